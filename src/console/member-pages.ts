// Pages for one person of an organization: their role, and their removal.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { listAppNames } from '../apps/app-store.ts'
import { isPersonId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { isWorking } from '../keys/key.ts'
import { listKeysMadeBy } from '../keys/key-store.ts'
import type { Clock } from '../lib/time.ts'
import { listGrants } from '../oauth/grant-store.ts'
import { changeRole } from '../offboarding/change-role.ts'
import { removeMember } from '../offboarding/remove-member.ts'
import { listMembers, type Member } from '../organizations/membership-store.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { seeOther } from '../web/see-other.ts'
import { keysPath } from './keys-pages.ts'
import { membersPath, readRole, roleChoices, roleNames } from './members-pages.ts'
import { type MemberVisitor, requireAdmin, type Visits } from './visit.ts'
import { onDay } from './words.ts'

export interface MemberPagesParts {
  readonly db: Db
  readonly sessions: BrowserSessions
  readonly visits: Visits
  readonly clock: Clock
  readonly profile: Profile
}

const keysShown = 20
const grantsCounted = 1000

/** What a page about one member knows. */
interface Subject {
  readonly who: MemberVisitor
  readonly member: Member
  readonly isOnlyAdmin: boolean
}

export function addMemberPages(
  router: Router,
  { db, sessions, visits, clock, profile }: MemberPagesParts,
): void {
  /** @throws Problem not_allowed, organization_suspended; page_not_found for who does not belong there */
  const findSubject = async (
    ctx: Context & { readonly params: Record<string, string> },
  ): Promise<Subject> => {
    const who = await visits.member(ctx)
    requireAdmin(who)
    const { id } = who.current.organization
    const person = ctx.params['person'] ?? ''
    const reach = { organization: id, mode: 'any' } as const
    const members = isPersonId(person) ? await asTenant(db, reach, (tx) => listMembers(tx, id)) : []
    const member = members.find((it) => it.person === person)
    if (!member) throw new Problem('page_not_found', { say: 'There is no such person in this account.' })
    const others = members.filter((it) => it.role === 'ADMIN' && it !== member)
    return { who, member, isOnlyAdmin: member.role === 'ADMIN' && others.length === 0 }
  }

  const frameOf = ({ who, member, isOnlyAdmin }: Subject) => ({
    organization: who.current.organization.name,
    query: `?org=${who.current.organization.slug}`,
    person: member.person,
    name: member.name ?? member.email,
    email: member.email,
    isYou: member.person === who.person.id,
    isOnlyAdmin,
  })

  const show = (ctx: Context, subject: Subject, chosen: string, problem: Problem | null) => {
    const { who, member } = subject
    const props = {
      ...frameOf(subject),
      roleName: roleNames[member.role],
      isAdmin: member.role === 'ADMIN',
      since: member.since,
      sinceInWords: onDay(member.since),
      roles: roleChoices(profile),
      chosen,
      mistake: problem?.say ?? null,
      field: subject.isOnlyAdmin ? 'only-admin' : 'role-ADMIN',
    }
    visits.show(ctx, who, membersPath, 'member', props, problem?.status)
  }

  const showRemoval = async (ctx: Context, subject: Subject, problem: Problem | null) => {
    const { who, member } = subject
    const { id } = who.current.organization
    const reach = { organization: id, mode: 'any' } as const
    const keys = await asTenant(db, reach, (tx) => listKeysMadeBy(tx, id, member.person))
    const working = keys.filter((key) => isWorking(key, clock()))
    const grants = await listGrants(db, { organization: id, person: member.person }, grantsCounted)
    const props = {
      ...frameOf(subject),
      apps: await listAppNames(db, [...new Set(grants.map((grant) => grant.client))]),
      keys: working.slice(0, keysShown).map((key) => ({
        address: `${keysPath}/${key.id}?org=${who.current.organization.slug}`,
        name: key.name,
        shown: `${key.prefix}…${key.lastFour}`,
        mode: key.mode,
      })),
      keyCount: working.length,
      mistake: problem?.say ?? null,
    }
    visits.show(ctx, who, membersPath, 'member-remove', props, problem?.status)
  }

  router.get(`${membersPath}/:person`, async (ctx) => {
    const subject = await findSubject(ctx)
    show(ctx, subject, subject.member.role, null)
  })

  router.post(`${membersPath}/:person/role`, async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const subject = await findSubject(ctx)
    const { who, member } = subject
    const { id, slug } = who.current.organization
    try {
      const role = readRole(form.get('role'))
      await changeRole(db, { organization: id, person: member.person, role, by: who.by })
    } catch (thrown) {
      return show(ctx, subject, form.get('role') ?? '', sayable(thrown))
    }
    return seeOther(ctx, `${membersPath}?org=${slug}&done=role`)
  })

  router.get(`${membersPath}/:person/remove`, async (ctx) => showRemoval(ctx, await findSubject(ctx), null))

  router.post(`${membersPath}/:person/remove`, async (ctx) => {
    sessions.checkForm(ctx, await readForm(ctx.req))
    const subject = await findSubject(ctx)
    const { who, member } = subject
    const { id, slug } = who.current.organization
    try {
      await removeMember(db, { organization: id, person: member.person, by: who.by })
    } catch (thrown) {
      return await showRemoval(ctx, subject, sayable(thrown))
    }
    if (member.person !== who.person.id) return seeOther(ctx, `${membersPath}?org=${slug}&done=removed`)
    sessions.clear(ctx)
    return seeOther(ctx, '/sign-in')
  })
}

/** What is said on the page itself; anything else is thrown on. */
function sayable(thrown: unknown): Problem {
  if (thrown instanceof Problem && ['invalid_parameter', 'member_conflict'].includes(thrown.code))
    return thrown
  throw thrown
}
