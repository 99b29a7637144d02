// Second factors under the newest cookie key, so that an older one can be dropped.
import type { Db } from '../db/connect.ts'
import type { Secret } from '../lib/secret.ts'
import { createFactorKeys } from './second-factor.ts'
import { listSealed, replaceSeal, type SealedFactor } from './second-factor-store.ts'

const batchSize = 500

/**
 * How many were sealed anew under the newest of the cookie keys, and how many none of them opens: those are left as
 * they are. One that a server changes meanwhile is left to it.
 */
export async function resealFactors(
  db: Db,
  cookieKeys: readonly Secret[],
): Promise<{ readonly resealed: number; readonly unreadable: number }> {
  const keys = createFactorKeys(cookieKeys)
  let [resealed, unreadable] = [0, 0]
  for await (const batch of batches(db)) {
    await db.transaction(async (tx) => {
      for (const { person, sealed } of batch) {
        const opened = keys.open(sealed)
        if (!opened) unreadable += 1
        else if (opened.isOld) {
          await replaceSeal(tx, person, sealed, keys.seal(opened.secret))
          resealed += 1
        }
      }
    })
  }
  return { resealed, unreadable }
}

/** Of how many second factors the seal is opened by each of the cookie keys, in their order. */
export async function countSealedFactors(db: Db, cookieKeys: readonly Secret[]): Promise<number[]> {
  const openers = cookieKeys.map((key) => createFactorKeys([key]))
  const counts = openers.map(() => 0)
  for await (const batch of batches(db)) {
    for (const { sealed } of batch) {
      const at = openers.findIndex((opener) => opener.open(sealed) !== null)
      if (at >= 0) counts[at] = (counts[at] ?? 0) + 1
    }
  }
  return counts
}

async function* batches(db: Db): AsyncGenerator<readonly SealedFactor[]> {
  let after = ''
  for (;;) {
    const batch = await listSealed(db, after, batchSize)
    const last = batch.at(-1)
    if (!last) return
    yield batch
    after = last.person
  }
}
