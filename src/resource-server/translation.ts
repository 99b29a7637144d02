// A node of the server tells moments of its own monotonic clock. What they are on ours, and never too late: a moment
// that is taken for an earlier one shortens what it is good for, one that is taken for a later one would lengthen it.
import type { Moment } from './moment.ts'

/** Two clocks go apart by less than this (in ms for each ms): hardware by some 0.0001, and NTP slews by 0.0005. */
const drift = 0.001
/** Between our two clocks no more may change, in ms: else the machine has slept, or its clock was set. */
const mostMoved = 250

/**
 * @param sentAt before the request was sent
 * @param nodeNow what the node's clock said when it had received the request: after `sentAt`. So the difference of the
 *   two is the least that can be between the clocks.
 * @returns what a moment of the node is on our monotonic clock, or earlier; null when that can't be told any more
 */
export function createTranslation(sentAt: Moment, nodeNow: number) {
  const least = sentAt.monotonic - nodeNow
  return (moment: number, at: Moment): number | null => {
    const elapsed = at.monotonic - sentAt.monotonic
    const moved = Math.abs(at.wall - sentAt.wall - elapsed)
    return moved > mostMoved ? null : moment + least - elapsed * drift
  }
}
