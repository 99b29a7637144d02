// The ledger: what was done, by whom, to what, appended in the transaction of the change it tells of.
import type { Tx } from '../db/connect.ts'

/** The closed list of actions. */
export type Action =
  | 'organization.created'
  | 'person.created'
  | 'person.set_up'
  | 'person.signed_in'
  | 'person.signed_out'
  | 'key.created'
  | 'key.revoked'
  | 'app.created'
  | 'app.deleted'
  | 'grant.allowed'
  | 'grant.revoked'
  | 'refresh_token.reused'

export interface AuditEntry {
  readonly organization: string | null
  /** The id of the person or credential that did it; `cli` for a command, `server` for ourselves. */
  readonly actor: string
  readonly action: Action
  readonly target: string
  readonly requestId?: string
  /** Old and new values, never a secret. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** Appends one entry: it is there exactly if the transaction commits. */
export async function record(tx: Tx, entry: AuditEntry): Promise<void> {
  await tx('audit_events').insert({
    organization_id: entry.organization,
    actor: entry.actor,
    action: entry.action,
    target: entry.target,
    request_id: entry.requestId ?? null,
    details: JSON.stringify(entry.details ?? {}),
  })
}
