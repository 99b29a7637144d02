// What the ledger tells, in the words of people.
import type { Names } from '../audit/names-store.ts'
import type { ActorKind, LedgerEvent } from '../audit/read-store.ts'
import { type Action, actions } from '../audit/record.ts'
import { type Profile, soleMode } from '../core/profile.ts'
import { describeDetails, idsInDetails } from './detail-words.ts'
import { onDay } from './words.ts'

/** Each action as what somebody did. */
export const deeds = {
  'organization.created': 'Created the account',
  'organization.suspended': 'Suspended the account',
  'organization.resumed': 'Resumed the account',
  'platform.created': 'Registered a platform',
  'platform.suspended': 'Suspended a platform',
  'platform.resumed': 'Resumed a platform',
  'platform.key_rotated': 'Rotated the key of a platform',
  'person.created': 'Created a person',
  'person.set_up': 'Chose a first password',
  'person.disabled': 'Disabled a person',
  'person.enabled': 'Enabled a person again',
  'person.renamed': 'Changed a name',
  'person.signed_in': 'Signed in',
  'person.sign_in_failed': 'Failed to sign in',
  'person.signed_out': 'Signed out',
  'person.session_ended': 'Ended a session',
  'person.password_changed': 'Changed a password',
  'person.link_created': 'Made a one-time link',
  'person.second_factor_enabled': 'Turned on two-step sign-in',
  'person.second_factor_disabled': 'Turned off two-step sign-in',
  'person.recovery_codes_created': 'Made new recovery codes',
  'person.recovery_code_used': 'Signed in with a recovery code',
  'member.invited': 'Invited a person',
  'member.invitation_cancelled': 'Cancelled an invitation',
  'member.added': 'Added a member',
  'member.role_changed': "Changed a member's role",
  'member.removed': 'Removed a member',
  'key.created': 'Created an API key',
  'key.rotated': 'Rotated an API key',
  'key.overlap_ended': 'Ended the overlap of a rotated key',
  'key.revoked': 'Revoked an API key',
  'key.deactivated': 'Deactivated an API key',
  'key.activated': 'Activated an API key again',
  'key.deleted': 'Deleted an API key',
  'keys.imported': 'Imported API keys',
  'app.created': 'Registered an app',
  'app.updated': 'Changed an app',
  'app.logo_changed': 'Changed the logo of an app',
  'app.verified': 'Verified an app',
  'app.unverified': 'Took back that an app is verified',
  'app.suspended': 'Suspended an app',
  'app.resumed': 'Resumed an app',
  'app.deleted': 'Deleted an app',
  'grant.allowed': 'Allowed an app to act for the account',
  'grant.revoked': "Took back an app's access",
  'token.issued': 'Got its first access token',
  'token.refreshed': 'Got a new access token',
  'refresh_token.reused': 'Presented a refresh token a second time',
  'resource_server.created': 'Registered a resource server',
  'resource_server.secret_rotated': 'Rotated the secret of a resource server',
  'resource_server.deleted': 'Deleted a resource server',
  'registration_token.created': 'Made a token to register apps with',
  'registration_token.deleted': 'Deleted a token to register apps with',
  'signing_key.created': 'Made a signing key',
  'signing_key.retired': 'Retired a signing key',
  'cookie_key.created': 'Made a cookie key',
  'cookie_key.resealed': 'Sealed secrets under the newest cookie key',
  'cookie_key.retired': 'Retired a cookie key',
} as const satisfies Record<Action, string>

const groups = {
  organization: 'Account',
  platform: 'Platforms',
  person: 'Sign-in and people',
  member: 'Members',
  key: 'API keys',
  keys: 'API keys',
  app: 'Apps',
  grant: 'Access of apps',
  token: 'Tokens',
  refresh_token: 'Tokens',
  resource_server: 'Resource servers',
  registration_token: 'Apps',
  signing_key: 'Server keys',
  cookie_key: 'Server keys',
} as const satisfies Record<Action extends `${infer Group}.${string}` ? Group : never, string>

export const isAction = (text: string): text is Action => Object.hasOwn(deeds, text)

interface ActionGroup {
  readonly label: string
  readonly choices: readonly { readonly action: Action; readonly deed: string }[]
}

const actionGroups: readonly ActionGroup[] = [...new Set(Object.values(groups))].map((label) => ({
  label,
  choices: actions
    .filter((action) => groupOf(action) === label)
    .map((action) => ({ action, deed: deeds[action] })),
}))

/** What apps do, and what is done with them. */
const ofApps: readonly string[] = [groups.app, groups.grant, groups.token, groups.registration_token]

/** The actions to choose from, in their groups; those of apps where there are apps. */
export function actionGroupsOf({ oauth }: Profile): readonly ActionGroup[] {
  return oauth.enabled ? actionGroups : actionGroups.filter(({ label }) => !ofApps.includes(label))
}

/** Where there is one mode alone, or no scopes at all, they go without saying. */
export function inWordsOf(profile: Profile, event: LedgerEvent): LedgerEvent {
  const only = soleMode(profile)
  const isMode = (name: string, value: unknown) => name === 'mode' && value === only
  const isNoScopes = (name: string, value: unknown) =>
    name === 'scopes' && Array.isArray(value) && value.length === 0
  const told = Object.entries(event.details).filter((it) => !isMode(...it) && !isNoScopes(...it))
  return { ...event, details: Object.fromEntries(told) }
}

function groupOf(action: Action): string {
  const [group = ''] = action.split('.')
  return Object.hasOwn(groups, group) ? groups[group as keyof typeof groups] : '' // it is one of its keys
}

const actors = {
  person: 'A person',
  api_key: 'An API key',
  app: 'An app',
  platform: 'A platform',
  command_line: 'The command line',
  server: 'Latchkey itself',
} as const satisfies Record<ActorKind, string>

/** What stands behind a name that could be anybody's. */
const kinds: Readonly<Partial<Record<ActorKind, string>>> = {
  api_key: 'API key',
  app: 'App',
  platform: 'Platform',
}

/** Every id that the page would rather show by name. */
export function idsIn(events: readonly LedgerEvent[]): string[] {
  const ids = events.flatMap((event) => [
    ...[event.actorId, event.onBehalfOf, event.target],
    ...idsInDetails(event),
  ])
  return [...new Set(ids.filter((id) => id !== null))]
}

/** An event as a row of the page. */
export function describeEvent(event: LedgerEvent, names: Names) {
  const { actorKind, actorId, onBehalfOf, target, address, requestId } = event
  const at = new Date(event.at)
  return {
    at: event.at,
    day: onDay(at),
    time: `${at.toISOString().slice(11, 19)} UTC`,
    who: (actorId && names.get(actorId)) ?? actors[actorKind],
    whoIs: actorId && names.has(actorId) ? (kinds[actorKind] ?? null) : null,
    whoId: actorId,
    onBehalfOf: onBehalfOf && (names.get(onBehalfOf) ?? onBehalfOf),
    deed: isAction(event.action) ? deeds[event.action] : event.action,
    action: event.action,
    // What somebody did with himself needs no second name.
    target: target === null || target === actorId ? null : { id: target, name: names.get(target) ?? null },
    address,
    requestId,
    details: describeDetails(event, names),
  }
}
