// The demo that an empty database begins with, outside of production: one organization with its rows,
// one operator, one app, one key.
import type { App } from './apps/app.ts'
import { registerApp } from './apps/register-app.ts'
import { byServer } from './core/attribution.ts'
import { appScopes, type Profile } from './core/profile.ts'
import type { SecretFormat } from './credentials/format.ts'
import type { Db, Tx } from './db/connect.ts'
import { issueKey } from './keys/issue-key.ts'
import type { Secret } from './lib/secret.ts'
import { createPerson } from './operators/create-person.ts'
import { createSetUpToken } from './operators/set-up-link.ts'
import { addMember } from './organizations/add-member.ts'
import { createOrganization } from './organizations/create-organization.ts'
import { listOrganizations } from './organizations/organization-store.ts'
import { seedSample } from './sample/seed.ts'

export interface Demo {
  readonly email: string
  readonly setUpToken: Secret
  readonly key: Secret
  /** null where there are no OAuth apps. */
  readonly app: App | null
}

const by = byServer

/** Makes the demo in an empty database; null when there is anything in it. */
export async function seedDemo(
  tx: Tx,
  profile: Profile,
  format: SecretFormat,
  now: Date,
): Promise<Demo | null> {
  if ((await listOrganizations(tx)).length > 0) return null
  const db: Db = tx
  const organization = await createOrganization(db, { ...profile.sample.organization, by })
  const person = await createPerson(db, { email: 'operator@example.com', name: 'Demo Operator', by })
  await addMember(tx, { organization: organization.id, person: person.id, role: 'ADMIN', by })
  await seedSample(db, profile, organization.id, now)
  const scopes = appScopes(profile)
  // The sandbox, where there is one.
  const mode = profile.modes.find((it) => it === 'test') ?? 'live'
  const app = profile.oauth.enabled
    ? await registerApp(
        db,
        {
          organization: organization.id,
          mode,
          name: profile.sample.app,
          redirectUris: ['http://127.0.0.1/callback'],
          scopes,
          refreshGraceSeconds: profile.oauth.refreshGraceSeconds,
          refreshLifetimeSeconds: profile.oauth.refreshTokenSeconds,
          refreshIdleSeconds: profile.oauth.refreshIdleSeconds,
          by,
        },
        now,
      )
    : null
  const { secret } = await issueKey(
    db,
    format,
    {
      organization: organization.id,
      mode,
      name: 'Demo key',
      scopes,
      expiresAt: null,
      allowedAddresses: null,
      by,
    },
    now,
  )
  return { email: person.email, setUpToken: await createSetUpToken(db, person.id, now), key: secret, app }
}
