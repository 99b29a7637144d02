// Under which grant the engine answers an authorization request: the one that the person has just made, or one
// of its own where what they allowed before is enough.
import { findApp } from '../apps/app-store.ts'
import { type GrantId, isClientId, isPersonId } from '../core/ids.ts'
import type { Database } from '../db/connect.ts'
import type { Clock } from '../lib/time.ts'
import { askedOf, resourceOf } from './authorization-request.ts'
import { listConsents } from './consent-store.ts'
import { errors, interactionPolicy, type KoaContextWithOIDC } from './engine.ts'
import { currentExchange } from './exchange.ts'
import { allowAgain } from './interactions/allow.ts'
import { recollect } from './remembered-consent.ts'
import type { Resources } from './resources.ts'

export interface GrantParts {
  readonly database: Database
  readonly clock: Clock
  readonly resources: Resources
}

/**
 * Each authorization has a grant of its own (decision 6): never one that the engine's session remembers.
 * @throws InvalidRedirectUri
 */
export async function grantOfRequest(parts: GrantParts, { oidc }: KoaContextWithOIDC) {
  // The engine looked when the person came, and does not when they are back: the app may have lost it meanwhile.
  const redirectUri = oidc.params?.['redirect_uri']
  if (typeof redirectUri !== 'string' || !oidc.client?.redirectUriAllowed(redirectUri))
    throw new errors.InvalidRedirectUri()
  const id = oidc.result?.consent?.grantId ?? (await makeAgain(parts, oidc))
  return id ? await oidc.provider.Grant.find(id) : undefined
}

/** null when the person has to be asked. */
async function makeAgain(parts: GrantParts, oidc: KoaContextWithOIDC['oidc']): Promise<GrantId | null> {
  const [person, client] = [oidc.account?.accountId ?? '', oidc.client?.clientId ?? '']
  if (!isPersonId(person) || !isClientId(client)) return null
  // Something else comes first, or the app wants the person to be asked: a grant made now would be for nothing.
  if (oidc.promptPending('login') || oidc.promptPending('consent')) return null
  const { database, clock, resources } = parts
  const remembered = await listConsents(database.knex, person, client)
  const app = remembered.length > 0 ? await findApp(database, client) : null
  if (!app) return null
  const params = oidc.params ?? {}
  const resource = await resourceOf(params, resources)
  if (!resource) return null
  const asked = askedOf(params, app, resource)
  const recollection = recollect(asked, remembered)
  if (recollection.ask !== null) return null
  const origin = currentExchange()?.origin ?? { address: null, requestId: null }
  return await allowAgain(
    database.knex,
    {
      asked,
      app,
      person,
      organization: recollection.organization,
      resource: asked.resource,
      redirectUri: asked.redirectUri,
      by: { ...origin, actor: { kind: 'person', id: person } },
    },
    clock(),
  )
}

/** When a person is asked: to sign in, and to consent where there is no grant to answer under. */
export function promptPolicy(): ReturnType<typeof interactionPolicy.base> {
  const policy = interactionPolicy.base()
  const checks = policy.get('consent')?.checks
  if (!checks) throw new Error('the engine has no prompt for consent')
  // The engine would ask every client that is `native` to it each time, and anew for whatever was asked and not
  // granted, without end where a person leaves something out: whether they are asked is decided by
  // recollect(), and what a grant lacks the app is told by `scope` in the answer.
  for (const { reason } of [...checks]) if (reason !== 'consent_prompt') checks.remove(reason)
  const { Check } = interactionPolicy
  checks.add(
    new Check('nothing_remembered', 'the person has to be asked', 'consent_required', ({ oidc }) =>
      oidc.entities.Grant?.jti === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  )
  return policy
}
