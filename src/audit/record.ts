// The ledger: what was done, by whom, to what, appended in the transaction of the change it tells of.
import { type Attribution, actorId } from '../core/attribution.ts'
import type { Tx } from '../db/connect.ts'
import { insertEvent, insertEvents, type NewEvent } from './audit-store.ts'

/** The closed list of actions. */
export const actions = [
  'organization.created',
  'organization.suspended',
  'organization.resumed',
  'platform.created',
  'platform.suspended',
  'platform.resumed',
  'platform.key_rotated',
  'person.created',
  'person.set_up',
  'person.disabled',
  'person.enabled',
  'person.renamed',
  'person.signed_in',
  'person.sign_in_failed',
  'person.signed_out',
  'person.session_ended',
  'person.password_changed',
  'person.link_created',
  'person.second_factor_enabled',
  'person.second_factor_disabled',
  'person.recovery_codes_created',
  'person.recovery_code_used',
  'member.invited',
  'member.invitation_cancelled',
  'member.added',
  'member.role_changed',
  'member.removed',
  'key.created',
  'key.rotated',
  'key.overlap_ended',
  'key.revoked',
  'key.deactivated',
  'key.activated',
  'key.deleted',
  'keys.imported',
  'app.created',
  'app.updated',
  'app.logo_changed',
  'app.verified',
  'app.unverified',
  'app.suspended',
  'app.resumed',
  'app.deleted',
  'grant.allowed',
  'grant.revoked',
  'token.issued',
  'token.refreshed',
  'refresh_token.reused',
  'resource_server.created',
  'resource_server.secret_rotated',
  'resource_server.deleted',
  'registration_token.created',
  'registration_token.deleted',
  'signing_key.created',
  'signing_key.retired',
  'cookie_key.created',
  'cookie_key.resealed',
  'cookie_key.retired',
] as const

export type Action = (typeof actions)[number]

export interface AuditEntry {
  /** Whose ledger it stands in; null for what belongs to no organization. */
  readonly organization: string | null
  readonly by: Attribution
  readonly action: Action
  readonly target: string
  /** Old and new values, never a secret. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** Appends one entry: it is there exactly if the transaction commits. */
export async function record(tx: Tx, entry: AuditEntry): Promise<void> {
  await insertEvent(tx, toEvent(entry))
}

/** Appends many, in one statement. */
export async function recordAll(tx: Tx, entries: readonly AuditEntry[]): Promise<void> {
  await insertEvents(tx, entries.map(toEvent))
}

/** As the tables hold it: for what writes an entry as a part of a larger statement. */
export function toEvent({ organization, by, action, target, details }: AuditEntry): NewEvent {
  const { actor, address, requestId } = by
  return {
    organization,
    actorKind: actor.kind,
    actorId: actorId(actor),
    onBehalfOf: actor.kind === 'app' ? actor.onBehalfOf : null,
    action,
    target,
    address,
    requestId,
    details: details ?? {},
  }
}

/** The same entry in the ledger of each organization that it concerns; in that of none where there are none. */
export async function recordForEach(
  tx: Tx,
  organizations: readonly string[],
  entry: Omit<AuditEntry, 'organization'>,
): Promise<void> {
  if (organizations.length === 0) return await record(tx, { ...entry, organization: null })
  for (const organization of organizations) await record(tx, { ...entry, organization })
}
