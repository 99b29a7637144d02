// Apps that register by themselves (RFC 7591), and change what they said (RFC 7592).
import { record } from '../audit/record.ts'
import { type Attribution, byServer, type Origin } from '../core/attribution.ts'
import { type ClientId, isClientId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import { appScopes, type Profile } from '../core/profile.ts'
import type { SecretFormat, SecretKind } from '../credentials/format.ts'
import type { Db } from '../db/connect.ts'
import { type Digest, sha256 } from '../lib/digest.ts'
import type { Secret } from '../lib/secret.ts'
import type { Clock } from '../lib/time.ts'
import { type ClientMetadata, fingerprintOf, MetadataMistake, readRegistration } from './client-metadata.ts'
import type { GiveUp } from './gives-up.ts'
import { spendRegistrationToken } from './registration-token-store.ts'
import { selfRegistered } from './self-registered.ts'
import {
  findRegistered,
  insertRegistered,
  lockRegistered,
  type Registered,
  replaceRegistered,
  unverify,
} from './self-registered-store.ts'
import { makeRoom } from './unused-apps-store.ts'

export interface RegistrationParts {
  readonly db: Db
  readonly profile: Profile
  readonly format: SecretFormat
  readonly clock: Clock
  readonly giveUp: GiveUp
}

/** A registration, with the token that manages it from now on: kept nowhere but as a hash. */
export interface Registration extends Registered {
  readonly token: Secret
}

/**
 * @param bearer what the app showed to be let in, where the profile wants that
 * @throws MetadataMistake; Problem invalid_credential for a token that lets nobody in; busy when too many wait
 *   to be allowed something
 */
export async function register(
  { db, profile, format, clock }: RegistrationParts,
  body: unknown,
  bearer: string | null,
  origin: Origin,
): Promise<Registration> {
  const needsToken = profile.oauth.dynamicRegistration.policy === 'token'
  const initial = needsToken ? hashOf(format, 'registration_token', bearer) : null
  const said = readRegistration(body, appScopes(profile))
  const token = format.write('registration_access_token', 'live')
  const now = clock()
  const row = selfRegistered(profile, { dynamic: true }, said, fingerprintOf(said), now)
  const app = await db.transaction(async (tx) => {
    const spent = initial ? await spendRegistrationToken(tx, initial, now) : null
    if (initial && !spent) throw new Problem('invalid_credential', { reason: 'no such registration token' })
    if (!(await makeRoom(tx, now))) throw new Problem('busy', { reason: 'too many apps wait for consent' })
    const made = await insertRegistered(tx, row, said.logoUri, sha256(token.reveal()))
    await record(tx, {
      organization: null,
      by: byApp(origin),
      action: 'app.created',
      target: made.clientId,
      details: {
        registration: 'dynamic',
        mode: made.mode,
        ...summary(said),
        ...(spent ? { registration_token: spent } : {}),
      },
    })
    return made
  })
  return { app, logoUri: said.logoUri, token }
}

/** @throws Problem invalid_credential, the same for an app that there is not */
export async function readRegistered(
  { db, format }: RegistrationParts,
  clientId: string,
  bearer: string | null,
): Promise<Registered> {
  const hash = hashOf(format, 'registration_access_token', bearer)
  const found = isClientId(clientId) ? await findRegistered(db, clientId, hash) : null
  return found ?? refuse()
}

/**
 * Replaces all that the app said before. What the vendor vouched for is vouched for no longer when people would
 * see something else.
 * @throws MetadataMistake; Problem invalid_credential
 */
export async function replace(
  { db, profile, format, giveUp }: RegistrationParts,
  registered: Registered,
  body: unknown,
  bearer: string | null,
  origin: Origin,
): Promise<Registration> {
  const { clientId } = registered.app
  checkReplacement(body, clientId)
  const said = readRegistration(body, appScopes(profile))
  const fingerprint = fingerprintOf(said)
  const token = format.write('registration_access_token', 'live')
  const by = byApp(origin)
  const app = await db.transaction(async (tx) => {
    const before = await lockRegistered(tx, clientId, hashOf(format, 'registration_access_token', bearer))
    if (!before) return refuse()
    const looksNew = !before.app.fingerprint?.equals(fingerprint)
    const after = await replaceRegistered(tx, clientId, said, fingerprint, sha256(token.reveal()))
    const narrowed = await giveUp(tx, before.app, said, by)
    const shown = { before: summary({ ...before.app, logoUri: before.logoUri }), after: summary(said) }
    const details = { ...shown, ...narrowed }
    await record(tx, { organization: null, by, action: 'app.updated', target: clientId, details })
    if (!looksNew || !before.app.isVerified) return after
    await unverify(tx, clientId)
    await record(tx, { organization: null, by, action: 'app.unverified', target: clientId })
    return { ...after, isVerified: false }
  })
  return { app, logoUri: said.logoUri, token }
}

/** What the server does because a stranger asked: nobody that it knows. */
export function byApp(origin: Origin): Attribution {
  return { ...byServer, ...origin }
}

/** For the ledger. */
function summary({ name, redirectUris, scopes }: ClientMetadata) {
  return { name, redirect_uris: redirectUris, scopes }
}

/** RFC 7592 section 2.2: which app is meant is said again, and what is not the app's to choose is left out. */
function checkReplacement(body: unknown, clientId: ClientId): void {
  if (typeof body !== 'object' || body === null) return // said by whoever reads it
  const { client_id: id } = { client_id: null, ...body }
  if (id !== clientId) throw mistake('client_id: it must be that of the registration.')
  for (const field of ['registration_access_token', 'registration_client_uri', 'client_id_issued_at']) {
    if (field in body) throw mistake(`${field}: it must be left out.`)
  }
  if ('client_secret' in body || 'client_secret_expires_at' in body) {
    throw mistake('client_secret: apps are public clients, without a secret.')
  }
}

function hashOf(format: SecretFormat, kind: SecretKind, bearer: string | null): Digest {
  if (bearer === null || format.read(bearer) !== kind) return refuse()
  return sha256(bearer)
}

function refuse(): never {
  throw new Problem('invalid_credential', { reason: 'no such registration' })
}

const mistake = (say: string) => new MetadataMistake('invalid_client_metadata', say)
