// A clock that stands still until the test moves it, for what counts by Date: the limits.
import type { TestContext } from 'node:test'

/**
 * Date stands still until the end of the test, in the server too, which runs in this process: `t.mock.timers.tick`
 * moves it. The limits tidy up after themselves by real timers, which would forget a window of a second too early;
 * theirs alone are left out. All others run: a connection that is being made has its time limit, whatever Date says.
 */
export function stopClock(t: TestContext): void {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const real = globalThis.setTimeout
  const left = Object.assign((...[work, ...rest]: Parameters<typeof real>) => {
    const isOfLimits = new Error('').stack?.includes('MemoryStorage') === true
    return real(isOfLimits ? () => {} : work, ...rest)
  }, real)
  t.mock.method(globalThis, 'setTimeout', left)
}
