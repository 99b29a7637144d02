// Registering and deleting an OAuth app.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { type ClientId, newClientId, type OrganizationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { requireActiveOrganization } from '../organizations/organization-store.ts'
import type { App } from './app.ts'
import { deleteAppRow, insertApp } from './app-store.ts'
import { redirectUriMistake } from './redirect-uri.ts'

const longestName = 100

/** Its scopes are names from the profile's catalogue: the caller has checked them. */
export type NewApp = Required<Pick<App, 'mode' | 'name' | 'redirectUris' | 'scopes'>> &
  Pick<App, 'refreshGraceSeconds' | 'refreshLifetimeSeconds'> &
  Partial<
    Pick<
      App,
      | 'homepage'
      | 'policyUri'
      | 'termsUri'
      | 'optionalScopes'
      | 'refreshIdleSeconds'
      | 'reuseResponse'
      | 'requiresDpop'
    >
  > & {
    readonly organization: OrganizationId
    readonly by: Attribution
  }

/**
 * @throws Problem invalid_parameter for a name, or a redirect URI, that can't be registered;
 *   organization_suspended
 */
export async function registerApp(db: Db, wanted: NewApp, now: Date): Promise<App> {
  if (wanted.name.trim() === '' || wanted.name.length > longestName) {
    throw new Problem('invalid_parameter', {
      param: 'name',
      say: `The name must have 1 to ${longestName} characters.`,
    })
  }
  if (wanted.redirectUris.length === 0) {
    throw new Problem('invalid_parameter', {
      param: 'redirect_uri',
      say: 'An app needs at least one redirect URI.',
    })
  }
  for (const uri of wanted.redirectUris) {
    const mistake = redirectUriMistake(uri)
    if (mistake) throw new Problem('invalid_parameter', { param: 'redirect_uri', say: `${uri}: ${mistake}` })
  }
  const { by, organization, ...fields } = wanted
  const app: App = {
    homepage: null,
    policyUri: null,
    termsUri: null,
    optionalScopes: [],
    refreshIdleSeconds: null,
    reuseResponse: 'revoke',
    requiresDpop: false,
    ...fields,
    organization,
    registration: 'manual',
    clientId: newClientId(),
    redirectUris: [...new Set(wanted.redirectUris)],
    scopes: [...new Set(wanted.scopes)].sort(),
    createdAt: now,
    isStopped: false,
    isSuspended: false,
    isVerified: false,
    fingerprint: null,
  }
  await db.transaction(async (tx) => {
    await requireActiveOrganization(tx, organization)
    await insertApp(tx, app)
    await record(tx, {
      organization,
      by,
      action: 'app.created',
      target: app.clientId,
      details: { name: app.name, mode: app.mode, redirect_uris: app.redirectUris, scopes: app.scopes },
    })
  })
  return app
}

/** The app that was; null when there is none. */
export function deleteApp(db: Db, clientId: ClientId, by: Attribution): Promise<App | null> {
  return db.transaction(async (tx) => {
    const app = await deleteAppRow(tx, clientId)
    if (app) await record(tx, { organization: app.organization, by, action: 'app.deleted', target: clientId })
    return app
  })
}
