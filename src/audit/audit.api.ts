// The API's own operation on the ledger: for live keys that hold audit:read. The ledger of an organization is one for
// both modes, and a test key must not learn of live data (decision 7, SECURITY K10).
import type { Call, Handler } from '../core/handler.ts'
import { answerPage, readPage } from '../core/page.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { showEvent } from './export.ts'
import { type EventFilter, listEvents } from './read-store.ts'
import { actions } from './record.ts'

export interface AuditApiParts {
  readonly db: Db
  readonly profile: Profile
}

/** By operation id. */
export function auditHandlers(parts: AuditApiParts): ReadonlyMap<string, Handler> {
  return new Map([['listAuditEvents', listOperation(parts)]])
}

function listOperation({ db, profile }: AuditApiParts): Handler {
  return async ({ caller, query }) => {
    if (caller.mode !== 'live') {
      const say = 'The audit log tells of live data too: read it with a live key.'
      throw new Problem('wrong_mode', { say })
    }
    const { limit, after } = readPage(profile, query, readCursor)
    const filter = readFilter(caller.organization, query)
    const found = await asTenant(db, caller, (tx) => listEvents(tx, filter, after, limit + 1))
    return answerPage(found, limit, showEvent, writeCursor)
  }
}

/** @throws Problem invalid_parameter that names the parameter */
function readFilter(organization: string, query: Call['query']): EventFilter {
  const { action, actor_id: actor, target, since, until } = query
  return {
    organization,
    ...(action === undefined ? {} : { action: readAction(String(action)) }),
    ...(actor === undefined ? {} : { actor: { id: readId('actor_id', String(actor)) } }),
    ...(target === undefined ? {} : { target: readId('target', String(target)) }),
    ...(since === undefined ? {} : { from: readTime('since', String(since)) }),
    ...(until === undefined ? {} : { until: readTime('until', String(until)) }),
  }
}

function readAction(text: string): string {
  const known: readonly string[] = actions
  if (known.includes(text)) return text
  throw wrong('action', `action: there is no such action. There are: ${actions.join(', ')}.`)
}

/** Of whatever kind: the app that is named by an address has one that is an address. */
function readId(param: string, text: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text
  throw wrong(param, `${param}: it is not an id, such as key_….`)
}

function readTime(param: string, text: string): Date {
  const time = new Date(text)
  // The document's format allows what no clock here tells: a leap second, an offset without its minutes.
  if (!Number.isNaN(time.getTime())) return time
  throw wrong(param, `${param}: it must be a time such as 2026-11-26T14:00:00Z.`)
}

const wrong = (param: string, say: string) => new Problem('invalid_parameter', { param, say })
