// The second factor: a code from an app that shares a secret with us, or a recovery code in its place. The
// secret is kept sealed under the cookie keys: a dump of the database makes no codes.
import { recordForEach } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { PersonId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db, Tx } from '../db/connect.ts'
import { deriveKey } from '../lib/digest.ts'
import { seal, unseal } from '../lib/seal.ts'
import { Secret } from '../lib/secret.ts'
import { addSeconds, hourSeconds } from '../lib/time.ts'
import { listOrganizationIds } from '../organizations/membership-store.ts'
import { newRecoveryCodes, recoveryCodeHash } from './recovery-code.ts'
import {
  confirmFactor,
  countRecoveryCodes,
  deleteFactor,
  findFactor,
  insertPendingFactor,
  replaceRecoveryCodes,
  replaceSeal,
  type StoredFactor,
  spendRecoveryCode,
  spendStep,
} from './second-factor-store.ts'
import { deleteStepsOf } from './session-store.ts'
import { newTotpSecret, stepOfCode } from './totp.ts'

const sealPurpose = 'latchkey second factor v1'
/** So long a secret that was begun waits for its first code. */
const pendingSeconds = hourSeconds

/** Seals and opens the secrets of second factors. */
export interface FactorKeys {
  seal(secret: Secret): Buffer
  /** null when none of the keys is the one; `isOld` when it is not the newest. */
  open(sealed: Buffer): { readonly secret: Secret; readonly isOld: boolean } | null
}

/** @param cookieKeys newest first: the newest seals, each of them opens (SECURITY U16) */
export function createFactorKeys(cookieKeys: readonly Secret[]): FactorKeys {
  const keys = cookieKeys.map((key) => deriveKey(key.reveal(), sealPurpose))
  const [newest] = keys
  if (!newest) throw new Error('no cookie keys')
  return {
    seal: (secret) => seal(newest, secret.reveal()),
    open: (sealed) => {
      for (const key of keys) {
        const text = unseal(key, sealed)
        if (text !== null) return { secret: new Secret(text), isOld: key !== newest }
      }
      return null
    },
  }
}

export type FactorState =
  | { readonly state: 'off' }
  | { readonly state: 'on'; readonly since: Date; readonly recoveryCodesLeft: number }

export async function secondFactorOf(db: Db, person: PersonId): Promise<FactorState> {
  const factor = await findFactor(db, person)
  if (!factor?.confirmedAt) return { state: 'off' }
  return {
    state: 'on',
    since: factor.confirmedAt,
    recoveryCodesLeft: await countRecoveryCodes(db, person),
  }
}

/** Makes a secret that a first code will take into use; false when the person has a second factor already. */
export async function beginSecondFactor(
  db: Db,
  keys: FactorKeys,
  person: PersonId,
  now: Date,
): Promise<boolean> {
  return db.transaction((tx) => insertPendingFactor(tx, person, keys.seal(newTotpSecret()), now))
}

/** The secret that waits for its first code; null for none, and for one that has waited too long. */
export async function pendingSecret(
  db: Db,
  keys: FactorKeys,
  person: PersonId,
  now: Date,
): Promise<Secret | null> {
  return (await findPending(db, keys, person, now))?.secret ?? null
}

async function findPending(db: Db, keys: FactorKeys, person: PersonId, now: Date) {
  const factor = await findFactor(db, person)
  const isWaiting =
    factor !== null && !factor.confirmedAt && factor.createdAt > addSeconds(now, -pendingSeconds)
  const opened = isWaiting ? keys.open(factor.sealed) : null
  return factor && opened ? { sealed: factor.sealed, secret: opened.secret } : null
}

interface CodeRequest {
  readonly person: PersonId
  /** As it was typed. */
  readonly code: string
  readonly by: Attribution
}

/**
 * Takes the second factor into use. From the commit on a password alone opens no session.
 * @returns its recovery codes, which are kept nowhere; null for a wrong code
 * @throws Problem link_expired when there is no secret that waits for a code
 */
export function confirmSecondFactor(
  db: Db,
  keys: FactorKeys,
  { person, code, by }: CodeRequest,
  now: Date,
): Promise<readonly string[] | null> {
  return db.transaction(async (tx) => {
    const pending = await findPending(tx, keys, person, now)
    if (!pending) throw new Problem('link_expired', { say: 'This page is too old. Begin again.' })
    const step = stepOfCode(pending.secret, digitsOf(code), now)
    if (step === null || !(await confirmFactor(tx, person, pending.sealed, step, now))) return null
    const codes = await makeRecoveryCodes(tx, person)
    await tell(tx, { by, action: 'person.second_factor_enabled', target: person })
    return codes
  })
}

/** False for a wrong code, and for somebody without a second factor. A recovery code is as good. */
export function removeSecondFactor(
  db: Db,
  keys: FactorKeys,
  { person, code, by }: CodeRequest,
  now: Date,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    if (!(await acceptCode(tx, keys, { person, code, by }, now))) return false
    await dropSecondFactor(tx, person, by)
    return true
  })
}

/**
 * Without a code: for whoever runs the server, when somebody has lost the app and the recovery codes.
 * False when there was no second factor in use.
 */
export function dropSecondFactor(db: Db, person: PersonId, by: Attribution): Promise<boolean> {
  return db.transaction(async (tx) => {
    const wasOn = await deleteFactor(tx, person)
    await deleteStepsOf(tx, person)
    if (wasOn) await tell(tx, { by, action: 'person.second_factor_disabled', target: person })
    return wasOn
  })
}

/** New recovery codes in place of all that were; null for a wrong code. */
export function renewRecoveryCodes(
  db: Db,
  keys: FactorKeys,
  { person, code, by }: CodeRequest,
  now: Date,
): Promise<readonly string[] | null> {
  return db.transaction(async (tx) => {
    if (!(await acceptCode(tx, keys, { person, code, by }, now))) return null
    const codes = await makeRecoveryCodes(tx, person)
    await tell(tx, { by, action: 'person.recovery_codes_created', target: person })
    return codes
  })
}

export type CodeKind = 'authenticator_app' | 'recovery_code'

/**
 * Spends a code of the person's, of either kind: none is taken twice (RFC 6238 section 5.2).
 * @returns null for a code that is wrong or spent
 */
export async function acceptCode(
  tx: Tx,
  keys: FactorKeys,
  { person, code, by }: CodeRequest,
  now: Date,
): Promise<CodeKind | null> {
  const factor = await findFactor(tx, person)
  if (!factor?.confirmedAt) return null
  const recoveryHash = recoveryCodeHash(code)
  if (recoveryHash) {
    if (!(await spendRecoveryCode(tx, person, recoveryHash, now))) return null
    const details = { left: await countRecoveryCodes(tx, person) }
    await tell(tx, { by, action: 'person.recovery_code_used', target: person, details })
    return 'recovery_code'
  }
  return (await acceptTotp(tx, keys, person, factor, code, now)) ? 'authenticator_app' : null
}

async function acceptTotp(
  tx: Tx,
  keys: FactorKeys,
  person: PersonId,
  { sealed }: StoredFactor,
  code: string,
  now: Date,
): Promise<boolean> {
  const opened = keys.open(sealed)
  if (!opened) return false
  const step = stepOfCode(opened.secret, digitsOf(code), now)
  if (step === null || !(await spendStep(tx, person, step))) return false
  if (opened.isOld) await replaceSeal(tx, person, sealed, keys.seal(opened.secret))
  return true
}

/** Apps show a code in two groups, and some keyboards write digits wide. */
const digitsOf = (typed: string) => typed.normalize('NFKC').replace(/[\s\p{Pd}]/gu, '')

async function makeRecoveryCodes(tx: Tx, person: PersonId): Promise<readonly string[]> {
  const codes = newRecoveryCodes()
  await replaceRecoveryCodes(
    tx,
    person,
    codes.flatMap((code) => recoveryCodeHash(code) ?? []),
  )
  return codes
}

async function tell(tx: Tx, entry: Parameters<typeof recordForEach>[2] & { readonly target: PersonId }) {
  await recordForEach(tx, await listOrganizationIds(tx, entry.target), entry)
}
