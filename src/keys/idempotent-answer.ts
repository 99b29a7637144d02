// One change and one answer for who sends a request twice: the header Idempotency-Key. What an answer holds may
// be a secret, so it is kept sealed under what only its caller has.
import type { Answer } from '../core/handler.ts'
import { Problem } from '../core/problems.ts'
import type { Db, Tx } from '../db/connect.ts'
import { deriveKey, sha256 } from '../lib/digest.ts'
import { seal, unseal } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { addSeconds, daySeconds } from '../lib/time.ts'
import { dropExpiredAnswers, keepAnswer, takePlace } from './idempotent-answer-store.ts'

/** For so long the answer is given again. */
export const idempotencySeconds = daySeconds

export interface IdempotentRequest {
  /** The id of the credential's owner: keys of different owners have nothing to do with each other. */
  readonly owner: string
  /** What was presented: with the idempotency key it opens the answer, and it is not kept. */
  readonly credential: Secret
  /** The header's value; null for a request without it, which is run as it comes. */
  readonly idempotencyKey: string | null
  /** What was asked for, as JSON: the operation and its input. */
  readonly request: { readonly operation: string; readonly [input: string]: unknown }
}

/** What can be kept: an item or nothing. */
export type KeepableAnswer = Exclude<Answer, { readonly kind: 'list' }>

/**
 * Runs `work` in a transaction and keeps its answer with it, both or neither. The same request under the same
 * Idempotency-Key is given that answer again, byte for byte, for a day; one that comes meanwhile waits for it.
 * What `work` throws is not kept: the next try runs it anew.
 * @param work must use no other connection than its transaction's: whoever waits for it holds one too
 * @throws Problem invalid_parameter for a key that is none; idempotency_key_reused for another request, or
 *   another credential of the same owner
 */
export function answerOnce(
  db: Db,
  { owner, credential, idempotencyKey, request }: IdempotentRequest,
  now: Date,
  work: (tx: Tx) => Promise<KeepableAnswer>,
): Promise<KeepableAnswer> {
  if (idempotencyKey === null) return db.transaction(work)
  if (!/^[\x21-\x7e]{1,255}$/.test(idempotencyKey)) {
    const say = 'The Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.'
    throw new Problem('invalid_parameter', { param: 'Idempotency-Key', say })
  }
  const place = { owner, key: sha256(idempotencyKey) }
  const asked = sha256(canonicalJson(request))
  const sealKey = deriveKey(`${credential.reveal()} ${idempotencyKey}`, 'latchkey idempotent answer v1')
  return db.transaction(async (tx) => {
    const kept = await takePlace(tx, place, asked, addSeconds(now, idempotencySeconds), now)
    if (kept) {
      if (!asked.equals(kept.request)) throw new Problem('idempotency_key_reused')
      return readAnswer(kept.sealed && unseal(sealKey, kept.sealed))
    }
    const text = JSON.stringify(await work(tx))
    await keepAnswer(tx, place, seal(sealKey, text))
    await dropExpiredAnswers(tx, now)
    // Read back from what was kept: so the first answer and those after it can't differ.
    return readAnswer(text)
  })
}

function readAnswer(text: string | null): KeepableAnswer {
  if (text === null) {
    const say =
      'The answer to this Idempotency-Key was given to another credential, and can not be given again.'
    throw new Problem('idempotency_key_reused', { say })
  }
  return JSON.parse(text) as KeepableAnswer // written above, and unsealed only if it is that to the byte
}

/** The same for values that are equal: members of objects are put in order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  )
}
