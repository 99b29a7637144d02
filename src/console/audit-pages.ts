// The audit log: what was done in an organization, for its administrators, to read and to take along.
import { Readable } from 'node:stream'
import type Router from '@koa/router'
import type { Context } from 'koa'
import { readCursor, writeCursor } from '../audit/cursor.ts'
import { exportEvents, exportTypes, isExportFormat } from '../audit/export.ts'
import { findMemberId, findNames, findSharedNames, type Names } from '../audit/names-store.ts'
import { countEvents, type EventFilter, type LedgerEvent, listEvents } from '../audit/read-store.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import type { Clock } from '../lib/time.ts'
import { allowOwnRequests } from '../web/headers.ts'
import { filterQuery, readFilter, type TypedFilter, typedFilter } from './audit-filter.ts'
import { actionGroupsOf, describeEvent, idsIn, inWordsOf } from './audit-words.ts'
import { type MemberVisitor, refusedToRole, type Visits } from './visit.ts'

export const auditPath = '/admin/audit-log'
const eventsShown = 50

export interface AuditPagesParts {
  readonly db: Db
  readonly visits: Visits
  readonly clock: Clock
  readonly profile: Profile
}

/** The rows of one organization, of both modes. */
const reachOf = ({ current }: MemberVisitor) =>
  ({ organization: current.organization.id, mode: 'any' }) as const

export function addAuditPages(router: Router, { db, visits, clock, profile }: AuditPagesParts): void {
  /** The administrator, also of an account that is suspended: what was done can be read all the same. */
  const visitAsAdmin = async (ctx: Context): Promise<MemberVisitor> => {
    const who = await visits.member(ctx)
    if (who.current.role !== 'ADMIN') throw refusedToRole()
    return who
  }

  const filterOf = (who: MemberVisitor, typed: TypedFilter): Promise<EventFilter> => {
    const reach = reachOf(who)
    return readFilter(reach.organization, typed, (email) =>
      asTenant(db, reach, (tx) => findMemberId(tx, reach.organization, email)),
    )
  }

  const namesOf = async (who: MemberVisitor, events: readonly LedgerEvent[]): Promise<Names> => {
    const reach = reachOf(who)
    const ids = idsIn(events)
    const own = await asTenant(db, reach, (tx) => findNames(tx, reach.organization, ids))
    return new Map([...own, ...(await findSharedNames(db, ids))])
  }

  /** The page, with nothing but the form where what was typed is no filter. */
  const showPage = async (ctx: Context, who: MemberVisitor, typed: TypedFilter, wrong: Problem | null) => {
    const after = readCursor(String(ctx.query['after'] ?? ''))
    const filter = wrong ? null : await filterOf(who, typed)
    const found = filter
      ? await asTenant(db, reachOf(who), (tx) => listEvents(tx, filter, after, eventsShown + 1))
      : []
    const page = found.slice(0, eventsShown)
    const names = await namesOf(who, page)
    const last = page.at(-1)
    const org = who.current.organization.slug
    const address = (change: Readonly<Record<string, string>>) =>
      `${auditPath}?${filterQuery({ ...typed, ...change }, { org })}`
    const exportAddress = (format: string) => `${auditPath}/export?${filterQuery(typed, { org, format })}`
    allowOwnRequests(ctx)
    visits.show(
      ctx,
      who,
      auditPath,
      'audit-log',
      {
        typed,
        mistake: wrong && { say: wrong.say, field: wrong.details.param ?? 'action' },
        actionGroups: actionGroupsOf(profile),
        events: page.map((event) => describeEvent(inWordsOf(profile, event), names)),
        isFiltered: Object.values(typed).some((text) => text !== ''),
        isFirstPage: after === null,
        newest: address({}),
        older: found.length > eventsShown && last ? `${address({})}&after=${writeCursor(last)}` : null,
        all: `${auditPath}?${new URLSearchParams({ org })}`,
        only: (change: Readonly<Record<string, string>>) => address(change),
        exports: [
          { format: 'CSV', address: exportAddress('csv') },
          { format: 'NDJSON', address: exportAddress('ndjson') },
        ],
      },
      wrong ? 422 : 200,
    )
  }

  /** Shows the page again, with what was typed, where that is no filter. */
  const orShowMistake = async (
    ctx: Context,
    who: MemberVisitor,
    typed: TypedFilter,
    work: () => Promise<void>,
  ) => {
    try {
      await work()
    } catch (thrown) {
      if (!(thrown instanceof Problem) || thrown.code !== 'invalid_parameter') throw thrown
      await showPage(ctx, who, typed, thrown)
    }
  }

  router.get(auditPath, async (ctx) => {
    const visitor = await visits.signedIn(ctx)
    if (!visitor.current) return visits.show(ctx, visitor, auditPath, 'no-account', {})
    const who = await visitAsAdmin(ctx)
    const typed = typedFilter(ctx.query)
    await orShowMistake(ctx, who, typed, () => showPage(ctx, who, typed, null))
  })

  router.get(`${auditPath}/export`, async (ctx) => {
    const who = await visitAsAdmin(ctx)
    const format = String(ctx.query['format'] ?? '')
    if (!isExportFormat(format)) throw new Problem('page_not_found')
    const typed = typedFilter(ctx.query)
    await orShowMistake(ctx, who, typed, async () => {
      const filter = await filterOf(who, typed)
      // For the progress alone: where it takes too long, the export does without.
      const total = await asTenant(db, reachOf(who), (tx) => countEvents(tx, filter)).catch(() => null)
      const file = `audit-log-${who.current.organization.slug}-${clock().toISOString().slice(0, 10)}.${format}`
      ctx.type = exportTypes[format]
      ctx.set('Content-Disposition', `attachment; filename="${file}"`)
      if (total !== null) ctx.set('X-Total-Count', String(total))
      // A transaction for each batch: none is open for as long as somebody's line takes.
      ctx.body = Readable.from(
        exportEvents(format, (after, limit) =>
          asTenant(db, reachOf(who), (tx) => listEvents(tx, filter, after, limit)),
        ),
      )
    })
  })
}
