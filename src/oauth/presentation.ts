// Who else presents the same code or refresh token at this time. A lone replay of a spent secret is a sign
// of theft and ends its family; a burst of identical requests is one client tripping over itself (two tabs,
// an effect that runs twice, a retry storm), is refused, and costs nobody anything.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Digest } from '../lib/digest.ts'
import type { Siblings } from '../workers/siblings.ts'

/** So long a burst may last, in ms: on a busy machine a client takes seconds to open fifty connections. */
export const burstMs = 5000
/** So long a lone request that came late waits for company, in ms, before it is taken for a replay. */
const patienceMs = 200

export interface Presentation {
  /** Whether others than the one that was first present the same secret. Takes up to 200 ms to say no. */
  isBurst(): Promise<boolean>
  /** This request was the first: it is not one of those who came too late. */
  wasFirst(): void
}

/** How many came, by secret; per machine, so a burst that is spread thin over many nodes goes unseen. */
const presented = new Map<string, number>()
/** How many came to the other workers of this machine. */
let presentedElsewhere: (key: string) => Promise<number> = async () => 0

/** Each worker knows of those that came to the others: it asks when it has to, which is seldom. */
export function shareCounts(siblings: Siblings): void {
  siblings.answer('presented', (key) => presented.get(key) ?? 0)
  presentedElsewhere = async (key) => (await siblings.ask('presented', key)).reduce((sum, it) => sum + it, 0)
}

export function present(hash: Digest): Presentation {
  const key = hash.toString('base64')
  const change = (by: number) => {
    const count = (presented.get(key) ?? 0) + by
    if (count > 0) presented.set(key, count)
    else presented.delete(key)
  }
  change(1)
  const forget = setTimeout(() => change(-1), burstMs)
  forget.unref()
  const isAlone = () => (presented.get(key) ?? 0) < 2
  return {
    isBurst: async () => {
      if (isAlone()) await sleep(patienceMs)
      return !isAlone() || (await presentedElsewhere(key)) > 0
    },
    wasFirst: () => {
      clearTimeout(forget)
      change(-1)
    },
  }
}
