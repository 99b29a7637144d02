// A clock that stands still until the test moves it, for what counts by Date: the limits.
import type { TestContext } from 'node:test'

/**
 * Date stands still until the end of the test, in the server too, which runs in this process: `t.mock.timers.tick`
 * moves it. All timers run: a connection that is being made has its time limit, whatever Date says.
 */
export function stopClock(t: TestContext): void {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
}
