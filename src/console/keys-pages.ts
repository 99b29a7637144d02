// Pages for API keys: the list, one key, and making one.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { isKeyId } from '../core/ids.ts'
import { modes } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import { credentialHeader, type Profile } from '../core/profile.ts'
import { keyLifetimes } from '../core/profile-schema.ts'
import { scopeGrid } from '../core/scope-grid.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { issueKey } from '../keys/issue-key.ts'
import type { ApiKey, KeyListing } from '../keys/key.ts'
import { readKeyCursor, writeKeyCursor } from '../keys/key-cursor.ts'
import { adminLimits, type KeyLimits, memberLimits, requireWithin } from '../keys/key-limits.ts'
import { findKeyOwner, findListing, findSuccessor, type KeyQuery, listKeys } from '../keys/key-store.ts'
import { countKeyCalls, listKeyCalls } from '../keys/key-use-store.ts'
import { longestKeyName } from '../keys/new-key.ts'
import type { Clock } from '../lib/time.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { seeOther } from '../web/see-other.ts'
import { callsInWords, daysShown, describeCalls, shownDays } from './call-words.ts'
import { emptyKeyForm, readKeyForm, type TypedKey, typedKey } from './key-form.ts'
import { describeListing } from './key-words.ts'
import type { Reveals } from './reveal.ts'
import { type MemberVisitor, refusedToRole, requireRunning, type Visits } from './visit.ts'
import { sentenceFor } from './words.ts'

export const keysPath = '/admin/settings/api-keys'
const keysShown = 25

export interface KeysPagesParts {
  readonly db: Db
  readonly profile: Profile
  readonly format: SecretFormat
  readonly visits: Visits
  readonly sessions: BrowserSessions
  readonly reveals: Reveals
  readonly clock: Clock
  readonly publicUrl: string
  /** What a credential may be tried at: the path on this server. */
  readonly tryPath: string
}

/** What the sentence on the list says after an action. */
const done: Readonly<Record<string, string>> = {
  saved: 'The new key is ready to use.',
  revoked: 'The key has been revoked. It is refused from now on.',
  deleted: 'The key has been deleted. The audit log keeps what was done with it.',
}

/** The same on a key's own page. */
const doneWithKey: Readonly<Record<string, string>> = {
  activated: 'The key works again.',
  deactivated: 'The key is refused until you activate it again.',
  'overlap-ended': 'The overlap is over: this key is refused from now on.',
}

/** What this member may give a key. */
export function limitsOf({ current }: MemberVisitor, profile: Profile): KeyLimits {
  return current.role === 'ADMIN' ? adminLimits(profile) : memberLimits(profile)
}

/** A member manages the test keys that they made themselves; an administrator every key. */
export function mayManage({ current, person }: MemberVisitor, key: ApiKey): boolean {
  return current.role === 'ADMIN' || (key.mode === 'test' && key.createdBy === person.id)
}

export interface KeyVisit {
  readonly who: MemberVisitor
  readonly listing: KeyListing
}

/** The key of the page's address, and the visitor as a member of its organization. */
export async function visitKey(
  ctx: Context,
  { db, visits }: Pick<KeysPagesParts, 'db' | 'visits'>,
): Promise<KeyVisit> {
  await visits.signedIn(ctx)
  const id = String(ctx['params']['id'])
  const owner = isKeyId(id) ? await findKeyOwner(db, id) : null
  if (!isKeyId(id) || !owner) throw new Problem('page_not_found')
  const who = await visits.memberOf(ctx, owner)
  const reach = { organization: owner, mode: 'any' } as const
  const listing = await asTenant(db, reach, (tx) => findListing(tx, reach, id))
  if (!listing) throw new Problem('page_not_found')
  if (!mayManage(who, listing.key)) throw refusedToRole()
  return { who, listing }
}

export function addKeysPages(router: Router, parts: KeysPagesParts): void {
  const { db, profile, format, visits, sessions, reveals, clock } = parts

  router.get(keysPath, async (ctx) => {
    const who = await visits.signedIn(ctx)
    if (!who.current) return visits.show(ctx, who, keysPath, 'no-account', {})
    const member = await visits.member(ctx)
    const { organization } = member.current
    const asked = profile.modes.length > 1 ? modes.find((it) => it === ctx.query['mode']) : undefined
    const mode = asked ?? 'any'
    const search = String(ctx.query['search'] ?? '')
      .trim()
      .replaceAll('\0', '')
      .slice(0, longestKeyName)
    const after = readKeyCursor(String(ctx.query['after'] ?? ''))
    const query: KeyQuery = { organization: organization.id, mode, after, limit: keysShown + 1, search }
    const now = clock()
    const { found, page, calls } = await asTenant(db, query, async (tx) => {
      const found = await listKeys(tx, query)
      const page = found.slice(0, keysShown)
      const ids = page.map(({ key }) => key.id)
      return { found, page, calls: await countKeyCalls(tx, ids, shownDays(now)) }
    })
    const last = page.at(-1)
    return visits.show(ctx, who, keysPath, 'api-keys', {
      done: sentenceFor(done, ctx.query['done']),
      isAdmin: member.current.role === 'ADMIN',
      mayCreate: limitsOf(member, profile).modes.length > 0,
      mode,
      search,
      isFirstPage: after === null,
      keys: page.map((listing) => ({
        ...describeListing(listing, profile.keyRotationDays, now),
        isMine: mayManage(member, listing.key),
        calls: callsInWords(calls.get(listing.key.id) ?? 0),
      })),
      callsDays: daysShown,
      older: found.length > keysShown && last ? writeKeyCursor(last.key) : null,
    })
  })

  const showForm = (
    ctx: Context,
    who: MemberVisitor,
    typed: TypedKey,
    attempt: string,
    wrong: Problem | null,
  ) => {
    const limits = limitsOf(who, profile)
    const mistake = wrong && { say: wrong.say, field: wrong.details.param ?? 'name' }
    const props = { typed, attempt, mistake, lifetimes: keyLifetimes, longestKeyName, modes: limits.modes }
    const rows = scopeGrid(profile, limits.scopes).map(({ resource, levels }) => ({
      resource,
      levels: levels.map((level) => ({ ...level, isChosen: typed.levels[resource] === level.level })),
      sentences: levels.at(-1)?.scopes.map((name) => profile.scopes[name]?.sentence.en) ?? [],
    }))
    visits.show(ctx, who, keysPath, 'api-key-new', { ...props, rows }, mistake ? 422 : 200)
  }

  /** Members make test keys alone: where there is no test mode, none. @throws Problem not_allowed */
  const requireMayCreate = (who: MemberVisitor) => {
    if (limitsOf(who, profile).modes.length === 0) throw refusedToRole()
  }

  router.get(`${keysPath}/new`, async (ctx) => {
    const who = await visits.member(ctx)
    requireMayCreate(who)
    requireRunning(who.current)
    showForm(ctx, who, emptyKeyForm(profile, limitsOf(who, profile)), reveals.newAttempt(), null)
  })

  router.post(keysPath, async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const who = await visits.memberOf(ctx, form.get('org') ?? '')
    requireMayCreate(who)
    const limits = limitsOf(who, profile)
    const typed = typedKey(profile, limits, form)
    const attempt = form.get('attempt') ?? ''
    const now = clock()
    try {
      const read = readKeyForm(profile, limits, typed, now)
      requireWithin(limits, read)
      await reveals.make(ctx, who.person.id, attempt, async (tx) => {
        const wanted = { ...read, organization: who.current.organization.id, by: who.by }
        const { key, secret } = await issueKey(tx, format, wanted, now)
        return { subject: key.id, secret }
      })
    } catch (thrown) {
      if (!(thrown instanceof Problem) || thrown.code !== 'invalid_parameter') throw thrown
      return showForm(ctx, who, typed, attempt, thrown)
    }
    seeOther(ctx, `${keysPath}/created`)
  })

  router.get(`${keysPath}/created`, async (ctx) => {
    const visitor = await visits.signedIn(ctx)
    // HEAD comes here too (RFC 9110 section 9.3.2): who asks without wanting to see must not use the page up.
    if (ctx.method === 'HEAD') {
      ctx.status = 204
      return
    }
    const taken = await reveals.take(ctx, visitor.person.id)
    if (!taken || !isKeyId(taken.subject)) return seeOther(ctx, keysPath)
    const id = taken.subject
    const owner = await findKeyOwner(db, id)
    const who = owner && (await visits.memberOf(ctx, owner))
    if (!who || !owner) return seeOther(ctx, keysPath)
    const reach = { organization: owner, mode: 'any' } as const
    const listing = await asTenant(db, reach, (tx) => findListing(tx, reach, id))
    if (!listing) return seeOther(ctx, keysPath)
    const old = listing.key.rotatedFrom
    const before = old && (await asTenant(db, reach, (tx) => findListing(tx, reach, old)))
    const now = clock()
    const words = (it: KeyListing) => describeListing(it, profile.keyRotationDays, now)
    visits.showOnce(ctx, who, keysPath, 'api-key-created', {
      secret: taken.secret,
      key: words(listing),
      old: before ? words(before) : null,
      example: parts.publicUrl + parts.tryPath,
      header: credentialHeader(profile, ''),
    })
  })

  router.post(`${keysPath}/created`, async (ctx) => {
    sessions.checkForm(ctx, await readForm(ctx.req))
    await visits.signedIn(ctx)
    seeOther(ctx, `${keysPath}?done=saved`)
  })

  router.get(`${keysPath}/:id`, async (ctx) => {
    const { who, listing } = await visitKey(ctx, parts)
    const { id, organization } = listing.key
    const successor = await findSuccessor(db, id)
    const now = clock()
    const calls = await asTenant(db, { organization, mode: 'any' }, (tx) =>
      listKeyCalls(tx, id, shownDays(now)),
    )
    visits.show(ctx, who, keysPath, 'api-key', {
      key: describeListing(listing, profile.keyRotationDays, now),
      calls: describeCalls(calls, now),
      scopes: listing.key.scopes.map((name) => ({
        name,
        sentence: profile.scopes[name]?.sentence.en ?? name,
      })),
      successor,
      isAdmin: who.current.role === 'ADMIN',
      done: sentenceFor(doneWithKey, ctx.query['done']),
    })
  })
}
