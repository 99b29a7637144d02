// What an app may leave open when it sends a person here, and what it may say that means nothing here: settled
// before the engine asks whether a person has to be asked.
import type { Middleware } from 'koa'
import type { App } from '../apps/app.ts'
import { findApp } from '../apps/app-store.ts'
import type { Profile } from '../core/profile.ts'
import { parseScopes, printScopes } from '../core/scopes.ts'
import type { Database } from '../db/connect.ts'
import { type Client, errors, type KoaContextWithOIDC } from './engine.ts'
import type { AskedConsent } from './remembered-consent.ts'
import type { Resource, Resources } from './resources.ts'

/** They ask something of identity tokens, of which there are none; libraries send them all the same. */
const aboutIdentity = ['nonce', 'acr_values', 'claims', 'claims_locales', 'id_token_hint']

/** Parameters that are not known are ignored (RFC 6749 section 3.1): the engine knows these, and would refuse. */
export function ignoreIdentityParameters(): Middleware {
  return (ctx, next) => {
    if (/^\/oauth\/authorize\/*$/i.test(ctx.path) && aboutIdentity.some((name) => name in ctx.query)) {
      const kept = Object.entries(ctx.query).filter(([name]) => !aboutIdentity.includes(name))
      ctx.query = Object.fromEntries(kept)
    }
    return next()
  }
}

/**
 * A request without a scope is for the default ones (RFC 6749 section 3.3). One that has only such as the app may
 * not ask for is refused before a person is bothered.
 * @throws InvalidScope
 */
export async function settleScope(
  { profile, database }: { readonly profile: Profile; readonly database: Database },
  { oidc }: KoaContextWithOIDC,
  client: Client,
): Promise<void> {
  const params = oidc.params
  if (!params) throw new Error('an authorization request without parameters')
  const asked = parseScopes(typeof params['scope'] === 'string' ? params['scope'] : '')
  // It says how long, not what: whether there are refresh tokens is not for an app to choose.
  const named = [...asked].filter((scope) => scope !== 'offline_access')
  if (named.length === 0) {
    const app = await findApp(database, client.clientId)
    const defaults = app ? defaultScopes(profile, app) : []
    params['scope'] = printScopes([...asked, ...defaults])
    if (defaults.length > 0) return
  }
  const may = parseScopes(client.scope)
  if (!named.some((scope) => may.has(scope))) {
    throw new errors.InvalidScope(
      'none of the requested scopes is one that this app may ask for',
      printScopes(named),
    )
  }
}

/** The profile's, as far as the app may ask for them; else all that it needs; else all that it may ask for. */
export function defaultScopes(profile: Profile, app: Pick<App, 'scopes' | 'optionalScopes'>): string[] {
  const offered = profile.oauth.defaultScopes.filter((scope) => app.scopes.includes(scope))
  if (offered.length > 0) return offered
  const required = app.scopes.filter((scope) => !app.optionalScopes.includes(scope))
  return [...(required.length > 0 ? required : app.scopes)]
}

/** What the parameters of a well-formed request ask of a person. */
export function askedOf(
  params: Readonly<Record<string, unknown>>,
  app: Pick<App, 'scopes' | 'fingerprint'>,
  resource: Resource,
): AskedConsent {
  const asked = parseScopes(text(params['scope']))
  return {
    redirectUri: text(params['redirect_uri']) ?? '',
    scopes: app.scopes.filter((scope) => asked.has(scope) && resource.scopes.includes(scope)),
    resource: resource.audience,
    organization: text(params['organization']),
    fingerprint: app.fingerprint,
  }
}

/** The one that the parameters name, or our own; null for one that is gone. */
export function resourceOf(
  params: Readonly<Record<string, unknown>>,
  resources: Resources,
): Promise<Resource | null> {
  return resources.find(text([params['resource'] ?? []].flat()[0]) ?? resources.own.audience)
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
