// An app that has access, as the pages show it: every field in words.
import { redirectHosts } from '../apps/redirect-host.ts'
import type { ShownApp } from '../apps/shown-app-store.ts'
import type { ClientId } from '../core/ids.ts'
import type { Profile } from '../core/profile.ts'
import type { CredentialUse } from '../credentials/last-use.ts'
import type { ConnectedApp, Install } from '../oauth/connected-app-store.ts'
import { atMinute, fromNow, fromWhere, onDay, shortClient } from './words.ts'

/** In the order in which people want to know: what it sees, changes, deletes. */
const groups = ['see', 'change', 'danger'] as const

/** @param app undefined when it is being deleted */
function describeApp(client: ClientId, app: ShownApp | undefined) {
  return {
    name: app?.name ?? client,
    initial: [...(app?.name ?? '')][0]?.toUpperCase() ?? '',
    logo: app?.logo ?? null,
    isVerified: app?.isVerified ?? false,
    isSuspended: app?.isSuspended ?? false,
    maker: app?.maker ?? null,
    // Named by the address of a document: whoever runs that address made it.
    document: app?.registration === 'metadata_document' ? client : null,
    hosts: redirectHosts(app?.redirectUris ?? []),
  }
}

export function describeConnected(
  it: ConnectedApp,
  app: ShownApp | undefined,
  { profile, now }: { readonly profile: Profile; readonly now: Date },
) {
  return {
    ...describeApp(it.client, app),
    id: it.grant,
    person: it.personName ?? 'a former member',
    mode: it.mode,
    isStopped: it.isStopped,
    scopes: describeScopes(it.scopes, profile),
    allowedAt: it.createdAt,
    allowed: onDay(it.createdAt),
    lastUse: describeUse(it.lastUse, now),
    installCount: it.installs,
    installs: it.newest.map((install) => describeInstall(install, profile, now)),
  }
}

function describeInstall(it: Install, profile: Profile, now: Date) {
  return {
    id: it.grant,
    scopes: describeScopes(it.scopes, profile),
    allowedAt: it.createdAt,
    allowed: atMinute(it.createdAt),
    endsAt: it.expiresAt,
    ends: onDay(it.expiresAt),
    lastUse: describeUse(it.lastUse, now),
  }
}

function describeUse(use: CredentialUse | null, now: Date) {
  return (
    use && {
      ...use,
      address: fromWhere(use.address),
      fromNow: fromNow(use.at, now),
      exactly: atMinute(use.at),
      shortClient: use.client && shortClient(use.client),
    }
  )
}

/** One that the profile knows no more is shown by its name. */
function describeScopes(names: readonly string[], { scopes }: Profile) {
  const described = names.map((name) => {
    const scope = Object.hasOwn(scopes, name) ? scopes[name] : undefined
    return {
      name,
      group: scope?.group ?? null,
      sentence: scope?.sentence.en ?? name,
      detail: scope?.detail.en ?? null,
    }
  })
  const known = groups.flatMap((group) => described.filter((it) => it.group === group))
  return [...known, ...described.filter((it) => it.group === null)]
}
