// A person's visit to the console: who is signed in, for which organization they look at a page, as what.
import type { Context } from 'koa'
import type { Attribution, Origin } from '../core/attribution.ts'
import type { OrganizationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import type { Clock } from '../lib/time.ts'
import type { Person } from '../operators/person-store.ts'
import { findSessionPerson } from '../operators/session.ts'
import { listMemberships, type Membership } from '../organizations/membership-store.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { originOf } from '../web/client-address.ts'
import type { Views } from '../web/views.ts'

/** Somebody who is signed in. */
export interface Visitor {
  readonly person: Person
  /** The secret of the browser's session. */
  readonly session: string
  readonly memberships: readonly Membership[]
  /** The organization that the page is about; null for who belongs to none. */
  readonly current: Membership | null
  readonly origin: Origin
  /** What the ledger is told of what they do. */
  readonly by: Attribution
}

/** A visitor at a page that is about one organization. */
export interface MemberVisitor extends Visitor {
  readonly current: Membership
}

/** Thrown where nobody is signed in: the browser is sent to sign in, and comes back. */
export class SignInFirst extends Error {}

export interface VisitParts {
  readonly db: Db
  readonly views: Views
  readonly sessions: BrowserSessions
  readonly clock: Clock
  readonly trustedProxies: number
  /** Says that the page before this one showed a secret. */
  readonly shownCookie: string
}

export interface Visits {
  /** null when nobody is signed in. */
  find(ctx: Context): Promise<Visitor | null>
  /** @throws SignInFirst */
  signedIn(ctx: Context): Promise<Visitor>
  /** Of the organization in `?org=`, else of the one they looked at last. @throws SignInFirst, Problem page_not_found */
  member(ctx: Context): Promise<MemberVisitor>
  /** Of the organization `slug` or id. @throws SignInFirst; Problem page_not_found for one they do not belong to */
  memberOf(ctx: Context, organization: string | OrganizationId): Promise<MemberVisitor>
  /**
   * Answers with a page of the console. `section` is the path that the navigation marks.
   * @param status 422 for a form that is shown again
   */
  show(ctx: Context, who: Visitor, section: string, view: string, props: object, status?: number): void
  /**
   * As `show`, for a page with a secret that must not come back: whatever page of the console comes next sets a
   * cookie, and for that browsers throw this one out of their back/forward cache, script or none.
   */
  showOnce(ctx: Context, who: Visitor, section: string, view: string, props: object): void
}

// The API says "organization", the pages "account".
export function refusedToRole(): Problem {
  const say = 'Your role does not allow this. Ask an administrator of the account.'
  return new Problem('not_allowed', { say })
}
export function refusedWhileSuspended(): Problem {
  return new Problem('organization_suspended', { say: 'This account is suspended.' })
}

/** @throws Problem not_allowed for a member who is no administrator, organization_suspended */
export function requireAdmin({ current }: MemberVisitor): void {
  if (current.role !== 'ADMIN') throw refusedToRole()
  requireRunning(current)
}

/** @throws Problem organization_suspended */
export function requireRunning({ isStopped }: Membership): void {
  if (isStopped) throw refusedWhileSuspended()
}

export function createVisits(parts: VisitParts): Visits {
  const { db, views, sessions, clock, shownCookie } = parts

  const find = async (ctx: Context): Promise<Visitor | null> => {
    const session = sessions.read(ctx)
    const person = session ? await findSessionPerson(db, session, clock()) : null
    if (!session || !person) return null
    const memberships = await listMemberships(db, person.id)
    const origin = originOf(ctx, parts.trustedProxies)
    const by = { ...origin, actor: { kind: 'person', id: person.id } } as const
    return { person, session, memberships, current: chooseOrganization(ctx, memberships), origin, by }
  }

  const chooseOrganization = (ctx: Context, memberships: readonly Membership[]): Membership | null => {
    const bySlug = (slug: unknown) => memberships.find(({ organization }) => organization.slug === slug)
    const asked = bySlug(ctx.query['org'])
    if (asked) sessions.writeOrganization(ctx, asked.organization.slug)
    return asked ?? bySlug(sessions.readOrganization(ctx)) ?? memberships[0] ?? null
  }

  const signedIn = async (ctx: Context): Promise<Visitor> => {
    const who = await find(ctx)
    if (!who) throw new SignInFirst()
    return who
  }

  const shownOptions = {
    httpOnly: true,
    sameSite: 'lax',
    secure: shownCookie.startsWith('__Host-'),
    path: '/',
    signed: false,
  } as const

  const show: Visits['show'] = (ctx, who, section, view, props, status = 200) => {
    const { person, memberships, current } = who
    if (ctx.cookies.get(shownCookie, { signed: false })) ctx.cookies.set(shownCookie, null, shownOptions)
    const frame = {
      section,
      email: person.email,
      role: current?.role ?? null,
      isStopped: current?.isStopped ?? false,
      organization: current && { name: current.organization.name, slug: current.organization.slug },
      organizations: memberships.map(({ organization }) => ({
        name: organization.name,
        slug: organization.slug,
        isCurrent: organization.id === current?.organization.id,
      })),
    }
    views.show(ctx, view, { ...props, frame, formToken: sessions.formToken(ctx), now: clock() }, status)
  }

  return {
    find,
    signedIn,
    member: async (ctx) => {
      const who = await signedIn(ctx)
      const asked = ctx.query['org']
      // Another's organization is as one that is not there (SECURITY U13).
      if (!who.current || (asked !== undefined && who.current.organization.slug !== asked))
        throw new Problem('page_not_found', { say: 'There is no such account, or you do not belong to it.' })
      return { ...who, current: who.current }
    },
    memberOf: async (ctx, organization) => {
      const who = await signedIn(ctx)
      const current = who.memberships.find(
        ({ organization: { id, slug } }) => id === organization || slug === organization,
      )
      if (!current) throw new Problem('page_not_found')
      return { ...who, current }
    },
    show,
    showOnce: (ctx, who, section, view, props) => {
      show(ctx, who, section, view, props)
      ctx.cookies.set(shownCookie, '1', shownOptions)
    },
  }
}
