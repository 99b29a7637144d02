// Secrets that a page shows once. The form carries a token of its attempt: sent twice, it makes one thing. What
// is made is kept sealed under that token, which the browser alone holds, until the page that shows it has been
// asked for once.
import type { Context } from 'koa'
import type { PersonId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db, Tx } from '../db/connect.ts'
import { deriveKey, sha256 } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { seal, unseal } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { addSeconds, type Clock, minuteSeconds } from '../lib/time.ts'
import { deleteOldReveals, fillReveal, insertAttempt, keptSeconds, takeReveal } from './reveal-store.ts'

/** So long after it was made a secret waits to be shown. */
const revealSeconds = 10 * minuteSeconds
const sealPurpose = 'latchkey one-time reveal v1'

export interface Made {
  /** What it is the secret of: an id, for the page that comes too late. */
  readonly subject: string
  readonly secret: Secret
}

export interface Reveals {
  /** For a form's hidden field `attempt`. */
  newAttempt(): string
  /**
   * Makes something once for each attempt, in one transaction, and lets the browser ask for it.
   * @throws Problem form_refused for a form without its attempt, and whatever `make` throws
   */
  make(ctx: Context, person: PersonId, attempt: string, make: (tx: Tx) => Promise<Made>): Promise<void>
  /** The secret, once; without it for who comes a second time; null for who has nothing to see. */
  take(
    ctx: Context,
    person: PersonId,
  ): Promise<{ readonly subject: string; readonly secret: string | null } | null>
}

/** @param path of the pages that ask for it: the cookie is sent to no other */
export function createReveals(db: Db, clock: Clock, publicUrl: string, path: string): Reveals {
  const secure = publicUrl.startsWith('https:')
  const cookie = `${secure ? '__Secure-' : ''}latchkey_reveal`
  const options = { httpOnly: true, sameSite: 'strict', secure, path, signed: false } as const
  return {
    newAttempt: randomToken,
    make: async (ctx, person, attempt, make) => {
      if (!/^[\w-]{43}$/.test(attempt)) throw new Problem('form_refused', { reason: 'no attempt' })
      const hash = sha256(attempt)
      const now = clock()
      await db.transaction(async (tx) => {
        await deleteOldReveals(tx, person, addSeconds(now, -keptSeconds))
        if (!(await insertAttempt(tx, hash, person, addSeconds(now, revealSeconds)))) return
        const { subject, secret } = await make(tx)
        await fillReveal(tx, hash, subject, seal(deriveKey(attempt, sealPurpose), secret.reveal()))
      })
      ctx.cookies.set(cookie, attempt, { ...options, maxAge: revealSeconds * 1000 })
    },
    take: async (ctx, person) => {
      const attempt = ctx.cookies.get(cookie, { signed: false })
      if (!attempt) return null
      const found = await takeReveal(db, sha256(attempt), person, clock())
      if (!found?.subject) return null
      const secret = found.sealed && unseal(deriveKey(attempt, sealPurpose), found.sealed)
      return { subject: found.subject, secret }
    },
  }
}
