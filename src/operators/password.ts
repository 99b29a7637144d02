// Passwords: argon2id at OWASP's minimum (SECURITY U1), a few hashes at a time, the rest in a short queue.
import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import argon2 from 'argon2'
import { createInTurn } from '../core/in-turn.ts'

const options = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
const atOnce = cluster.isWorker ? 1 : Math.max(1, availableParallelism() - 1)
const queueLimit = 32

/** NIST SP 800-63B section 5.1.1.2. */
export const passwordMinLength = 8
export const passwordMaxLength = 256

/** Verified when there is no such person, so that the answer takes as long (SECURITY U3). */
const dummyHash =
  '$argon2id$v=19$m=19456,t=2,p=1$bGF0Y2hrZXktZHVtbXktc2FsdA$Yc6tg8sZ0R5dT5ZpQy3W8p8rX4l0h3u0b7m2vVwq3sE'

/** A hash takes a core for some 30 ms: all cores at once would leave none to the API (SECURITY U2). */
const inTurn = createInTurn(atOnce, queueLimit)

/** Why a new password can't be taken, as a sentence; null when it can. */
export function passwordMistake(password: string): string | null {
  if (password.length < passwordMinLength) return `Use at least ${passwordMinLength} characters.`
  if (password.length > passwordMaxLength) return `Use at most ${passwordMaxLength} characters.`
  return null
}

/** A PHC string. @throws Problem busy when too many hashes are waiting */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => argon2.hash(password, options))
}

/** Takes the same time whether the person exists or not. @throws Problem busy when too many are waiting */
export function verifyPassword(hash: string | null, password: string): Promise<boolean> {
  if (password.length > passwordMaxLength) return Promise.resolve(false)
  return inTurn(async () => {
    const matches = await argon2.verify(hash ?? dummyHash, password)
    return hash !== null && matches
  })
}

/** True for a hash made when the parameters were lower than they are now: it is made anew at the next sign-in. */
export function isHashOutdated(hash: string): boolean {
  return argon2.needsRehash(hash, options)
}
