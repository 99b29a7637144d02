// Making and deleting the tokens with which apps may register (RFC 7591 section 3).
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { newRegistrationTokenId, type RegistrationTokenId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Db } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import type { Secret } from '../lib/secret.ts'
import { isBlank, isOneLine } from '../lib/shown-text.ts'
import { addSeconds } from '../lib/time.ts'
import {
  deleteRegistrationTokenRow,
  insertRegistrationToken,
  type RegistrationToken,
} from './registration-token-store.ts'

const longestName = 100

export interface NewRegistrationToken {
  readonly name: string
  /** null for any number. */
  readonly uses: number | null
  readonly expiresInSeconds: number | null
  readonly by: Attribution
}

/** The secret is nowhere kept, only its hash. @throws Problem invalid_parameter for the name */
export async function createRegistrationToken(
  db: Db,
  format: SecretFormat,
  { name, uses, expiresInSeconds, by }: NewRegistrationToken,
  now: Date,
): Promise<{ readonly token: RegistrationToken; readonly secret: Secret }> {
  if (isBlank(name) || name.length > longestName || !isOneLine(name)) {
    const say = `The name must be one line of 1 to ${longestName} characters.`
    throw new Problem('invalid_parameter', { param: 'name', say })
  }
  const secret = format.write('registration_token', 'live')
  const token: RegistrationToken = {
    id: newRegistrationTokenId(),
    name: name.trim(),
    usesLeft: uses,
    createdAt: now,
    expiresAt: expiresInSeconds === null ? null : addSeconds(now, expiresInSeconds),
  }
  await db.transaction(async (tx) => {
    await insertRegistrationToken(tx, token, sha256(secret.reveal()))
    const details = { name: token.name, uses, expires_at: token.expiresAt }
    await record(tx, {
      organization: null,
      by,
      action: 'registration_token.created',
      target: token.id,
      details,
    })
  })
  return { token, secret }
}

/** What registered with it stays. null when there is none. */
export function deleteRegistrationToken(
  db: Db,
  id: RegistrationTokenId,
  by: Attribution,
): Promise<RegistrationToken | null> {
  return db.transaction(async (tx) => {
    const token = await deleteRegistrationTokenRow(tx, id)
    if (token) {
      const details = { name: token.name }
      await record(tx, { organization: null, by, action: 'registration_token.deleted', target: id, details })
    }
    return token
  })
}
