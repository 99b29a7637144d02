// Tokens with which apps may register (RFC 7591 section 3): the only file that knows `registration_tokens`.
import type { RegistrationTokenId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'

export interface RegistrationToken {
  readonly id: RegistrationTokenId
  readonly name: string
  /** null for any number. */
  readonly usesLeft: number | null
  readonly createdAt: Date
  readonly expiresAt: Date | null
}

interface TokenRow {
  readonly id: RegistrationTokenId
  readonly name: string
  readonly uses_left: number | null
  readonly created_at: Date
  readonly expires_at: Date | null
}

const toToken = (row: TokenRow): RegistrationToken => ({
  id: row.id,
  name: row.name,
  usesLeft: row.uses_left,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})

export async function insertRegistrationToken(db: Db, token: RegistrationToken, hash: Digest): Promise<void> {
  await db('registration_tokens').insert({
    id: token.id,
    name: token.name,
    hash,
    uses_left: token.usesLeft,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
  })
}

/** Newest first. */
export async function listRegistrationTokens(db: Db): Promise<RegistrationToken[]> {
  return (await db<TokenRow>('registration_tokens').orderBy('created_at', 'desc')).map(toToken)
}

export async function deleteRegistrationTokenRow(
  db: Db,
  id: RegistrationTokenId,
): Promise<RegistrationToken | null> {
  const [row] = await db('registration_tokens').where({ id }).delete().returning<TokenRow[]>('*')
  return row ? toToken(row) : null
}

/** Spends one use, for good if the transaction commits; null when there is none left, or no such token. */
export async function spendRegistrationToken(
  tx: Tx,
  hash: Digest,
  now: Date,
): Promise<RegistrationTokenId | null> {
  const { rows } = await tx.raw<{ rows: { id: RegistrationTokenId }[] }>(
    `update registration_tokens set uses_left = uses_left - 1
     where hash = ? and (uses_left is null or uses_left > 0) and (expires_at is null or expires_at > ?)
     returning id`,
    [hash, now],
  )
  return rows[0]?.id ?? null
}

export const expiredRegistrationTokens = expiredRows('registration_tokens')
