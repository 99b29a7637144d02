// The error log of each app: what it was refused, for its developers to read. Written after the answer, and never
// so much that a stranger could fill the database with it.
import type { ClientId, RequestId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Background } from '../lib/background.ts'
import { insertRefusals } from './refusal-store.ts'

export interface Refusal {
  readonly clientId: ClientId
  readonly endpoint: 'authorization' | 'token' | 'revocation' | 'registration'
  /** RFC 6749's code. */
  readonly error: string
  /** What was the matter, as a sentence for the app's developers; never a secret, and nothing of the person. */
  readonly reason: string
  readonly requestId: RequestId | null
}

export interface Refusals {
  /** Returns at once; what can't be written is logged and lost. */
  note(refusal: Refusal): void
}

/** Of one app in one minute, from one process. */
const mostPerMinute = 30
const minuteMs = 60_000
const longestReason = 500

export function createRefusals(db: Db, background: Pick<Background, 'run'>): Refusals {
  let minute = 0
  let noted = new Map<string, number>()
  return {
    note: (refusal) => {
      const now = Math.floor(performance.now() / minuteMs)
      if (now !== minute) {
        minute = now
        noted = new Map()
      }
      const count = noted.get(refusal.clientId) ?? 0
      noted.set(refusal.clientId, count + 1)
      if (count >= mostPerMinute) return
      const kept = { ...refusal, reason: refusal.reason.slice(0, longestReason) }
      background.run(() => insertRefusals(db, [kept]))
    },
  }
}
