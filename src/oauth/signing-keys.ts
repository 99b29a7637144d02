// The authorization server's signing keys (RFC 7517), common to all nodes: in the database, sealed under
// the cookie keys, so that a dump of the database signs nothing.
import { generateKeyPairSync } from 'node:crypto'
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { Problem } from '../core/problems.ts'
import type { Db, Tx } from '../db/connect.ts'
import { underLock } from '../db/lock.ts'
import { deriveKey } from '../lib/digest.ts'
import { randomBase62 } from '../lib/random.ts'
import { seal, unseal } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { addSeconds, systemClock } from '../lib/time.ts'
import type { JWKS } from './engine.ts'
import {
  deleteSigningKey,
  insertSigningKey,
  listSigningKeys,
  replaceSigningKeySeal,
  retireAt,
  type StoredSigningKey,
} from './signing-key-store.ts'

/** What /oauth/jwks says may be gone by for five minutes, and a server gives out for five seconds more. */
const announcedAfterSeconds = 310

const sealPurpose = 'latchkey signing key v1'

/** What others are told of a key (RFC 7517, RFC 7518 section 6.2.1). */
export interface PublicJwk {
  readonly kty: string
  readonly crv: string
  readonly x: string
  readonly y: string
  readonly kid: string
  readonly use: string
  readonly alg: string
}

/** A private key of the elliptic curve P-256, as we make them. */
interface Jwk extends PublicJwk {
  readonly d: string
}

/** Where a key is on its way: one signs, those that are retiring are published until they are retired. */
export function stateOf({ retiresAt }: StoredSigningKey, now: Date): 'current' | 'retiring' | 'retired' {
  if (!retiresAt) return 'current'
  return retiresAt > now ? 'retiring' : 'retired'
}

/**
 * The keys that one of `cookieKeys` (newest first) opens and that are not retired; one is made when there is none.
 * @param tx in a transaction that other starting processes wait for
 */
export async function loadSigningKeys(
  tx: Tx,
  cookieKeys: readonly Secret[],
  now: Date = systemClock(),
): Promise<{ readonly keys: JWKS; readonly created: boolean }> {
  const opened = openLive(await listSigningKeys(tx), cookieKeys, now)
  if (opened.length > 0) return { keys: { keys: opened }, created: false }
  return { keys: { keys: [await makeKey(tx, cookieKeys, now)] }, created: true }
}

/** The public halves of those that are not retired, the newest first: what /oauth/jwks says. */
export async function readPublicKeys(
  db: Db,
  cookieKeys: readonly Secret[],
  now: Date,
): Promise<{ readonly keys: readonly PublicJwk[] }> {
  const keys = openLive(await listSigningKeys(db), cookieKeys, now)
  return { keys: keys.map(({ kty, use, kid, alg, crv, x, y }) => ({ kty, use, kid, alg, crv, x, y })) }
}

/** A key as whoever signs needs it. */
export type SigningJwk = Jwk

/**
 * The key that signs what others verify by /oauth/jwks: the newest that all of them know, who may go by what they read
 * there for as long as it says; the only one where there is no other.
 * @throws Error when these cookie keys open none
 */
export async function readAnnouncedKey(
  db: Db,
  cookieKeys: readonly Secret[],
  now: Date,
): Promise<SigningJwk> {
  const rows = (await listSigningKeys(db)).filter((row) => openLive([row], cookieKeys, now).length > 0)
  const known = rows.find(({ createdAt }) => addSeconds(createdAt, announcedAfterSeconds) <= now)
  const [key] = openLive(
    [known ?? rows.at(-1)].filter((row) => row !== undefined),
    cookieKeys,
    now,
  )
  if (!key) throw new Error('the cookie keys open no signing key')
  return key
}

export interface SigningKeyRotation {
  /** The id (`kid`) of the key that signs from now on. */
  readonly created: string
  /** Those that were before it, and are published until then. */
  readonly retiring: readonly string[]
  readonly retiresAt: Date
}

/**
 * Makes a new key; those before it stay published for the overlap. Retired ones are deleted.
 * @throws Problem key_state_conflict when these cookie keys open none of the keys that there are: a key sealed
 *   under them would be one that no server can use
 */
export function rotateSigningKey(
  db: Db,
  cookieKeys: readonly Secret[],
  { overlapSeconds, by }: { readonly overlapSeconds: number; readonly by: Attribution },
  now: Date,
): Promise<SigningKeyRotation> {
  return underLock(db, 'first start', async (tx) => {
    const before = await listSigningKeys(tx)
    if (before.length > 0 && openLive(before, cookieKeys, now).length === 0) {
      const say =
        "The cookie keys here don't open the server's signing keys. Set COOKIE_KEYS as the server has it."
      throw new Problem('key_state_conflict', { say })
    }
    const retiresAt = addSeconds(now, overlapSeconds)
    const retiring: string[] = []
    for (const key of before) {
      if (stateOf(key, now) === 'retired') await deleteSigningKey(tx, key.id)
      else {
        await retireAt(tx, key.id, retiresAt)
        retiring.push(key.id)
      }
    }
    const { kid: created } = await makeKey(tx, cookieKeys, now)
    const details = { retires_at: retiresAt, retiring }
    await record(tx, { organization: null, by, action: 'signing_key.created', target: created, details })
    return { created, retiring, retiresAt }
  })
}

/**
 * Ends the overlap of a key at once. null when there is none of that id.
 * @throws Problem key_state_conflict for the key that signs
 */
export function retireSigningKey(
  db: Db,
  id: string,
  by: Attribution,
  now: Date,
): Promise<StoredSigningKey | null> {
  return underLock(db, 'first start', async (tx) => {
    const key = (await listSigningKeys(tx)).find((it) => it.id === id)
    if (!key) return null
    if (stateOf(key, now) === 'current') {
      const say = 'This is the key that signs. Make another first: npx latchkey signing-key rotate'
      throw new Problem('key_state_conflict', { say })
    }
    if (stateOf(key, now) === 'retired') return key
    await retireAt(tx, id, now)
    await record(tx, { organization: null, by, action: 'signing_key.retired', target: id })
    return { ...key, retiresAt: now }
  })
}

/** How many keys were sealed anew under the newest cookie key, and how many none of them opens. */
export async function resealSigningKeys(
  tx: Tx,
  cookieKeys: readonly Secret[],
): Promise<{ readonly resealed: number; readonly unreadable: number }> {
  const openers = openersOf(cookieKeys)
  const [newest] = openers
  let [resealed, unreadable] = [0, 0]
  for (const { id, sealed } of await listSigningKeys(tx)) {
    const opened = open(sealed, openers)
    if (!opened || !newest) unreadable += 1
    else if (opened.opener !== newest) {
      await replaceSigningKeySeal(tx, id, sealed, seal(newest, opened.text))
      resealed += 1
    }
  }
  return { resealed, unreadable }
}

/** Of how many keys the seal is opened by each of the cookie keys, in their order. */
export async function countSealedSigningKeys(db: Db, cookieKeys: readonly Secret[]): Promise<number[]> {
  const openers = openersOf(cookieKeys)
  const opened = (await listSigningKeys(db)).map(({ sealed }) => open(sealed, openers)?.opener)
  return openers.map((opener) => opened.filter((it) => it === opener).length)
}

async function makeKey(tx: Tx, cookieKeys: readonly Secret[], now: Date): Promise<Jwk> {
  const [newest] = openersOf(cookieKeys)
  if (!newest) throw new Error('no cookie keys')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // Letters and digits alone: a command takes it as it is, and what begins with a hyphen would be an option.
  const id = randomBase62(16)
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: id, use: 'sig', alg: 'ES256' }
  await insertSigningKey(tx, { id, sealed: seal(newest, JSON.stringify(jwk)), createdAt: now })
  // What export() makes of an elliptic-curve key has those members; its type in node is that of any key.
  return jwk as Jwk
}

const openersOf = (cookieKeys: readonly Secret[]) =>
  cookieKeys.map((key) => deriveKey(key.reveal(), sealPurpose))

function openLive(rows: readonly StoredSigningKey[], cookieKeys: readonly Secret[], now: Date): Jwk[] {
  const openers = openersOf(cookieKeys)
  return rows
    .filter((row) => stateOf(row, now) !== 'retired')
    .flatMap(({ sealed }) => open(sealed, openers) ?? [])
    .map(({ text }) => JSON.parse(text) as Jwk) // what makeKey sealed, or it would not open
}

function open(sealed: Buffer, openers: readonly Buffer[]) {
  for (const opener of openers) {
    const text = unseal(opener, sealed)
    if (text !== null) return { text, opener }
  }
  return null
}
