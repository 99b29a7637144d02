// Pages for the people of an organization: who belongs to it, who is invited, and inviting.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { type InvitationId, isInvitationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { dayInWords } from '../lib/date-in-words.ts'
import type { Clock } from '../lib/time.ts'
import type { Mailer } from '../mail/mailer.ts'
import { sendInvitation } from '../operators/invitation-mail.ts'
import {
  cancelInvitation,
  type Invited,
  invitationUrl,
  inviteAgain,
  inviteMember,
} from '../operators/invite.ts'
import { type InvitationListing, listOpenInvitations } from '../organizations/invitation-store.ts'
import { listMembers, type Member, type Role, roles } from '../organizations/membership-store.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { seeOther } from '../web/see-other.ts'
import type { LinkReveals } from './link-reveals.ts'
import { type MemberVisitor, requireAdmin, type Visitor, type Visits } from './visit.ts'

export const membersPath = '/admin/members'

export interface MembersPagesParts {
  readonly db: Db
  readonly sessions: BrowserSessions
  readonly visits: Visits
  readonly clock: Clock
  readonly mailer: Mailer
  readonly reveals: LinkReveals
  readonly publicUrl: string
  readonly brand: string
}

/** What each role may do, in a sentence. */
export const roleSentences: Readonly<Record<Role, string>> = {
  ADMIN: 'Does everything: live keys, apps, people and the audit log.',
  MEMBER: 'Sees the names of keys, and makes test keys.',
}
export const roleNames: Readonly<Record<Role, string>> = { ADMIN: 'Administrator', MEMBER: 'Member' }
export const roleChoices = roles.map((value) => ({
  value,
  name: roleNames[value],
  sentence: roleSentences[value],
}))

/** What the page says after a form. */
const notices: Readonly<Record<string, string>> = {
  cancelled: 'The invitation is cancelled. Its link does not work any more.',
  role: 'The role is changed.',
  removed: 'The person is removed, and signed out everywhere.',
}

/** What was typed, and why it could not be taken. */
interface Retry {
  readonly email: string
  readonly role: string
  readonly problem: Problem | null
}

const untouched: Retry = { email: '', role: '', problem: null }

export function addMembersPages(router: Router, parts: MembersPagesParts): void {
  const { db, sessions, visits, clock, mailer, reveals, publicUrl, brand } = parts

  const show = async (ctx: Context, who: MemberVisitor, retry: Retry) => {
    const { organization, role } = who.current
    const isAdmin = role === 'ADMIN'
    const reach = { organization: organization.id, mode: 'any' } as const
    const { members, invitations } = await asTenant(db, reach, async (tx) => ({
      members: await listMembers(tx, organization.id),
      invitations: isAdmin ? await listOpenInvitations(tx, organization.id) : [],
    }))
    const sent = invitations.find(({ id }) => id === ctx.query['sent'])
    const { problem, ...form } = retry
    const props = {
      title: problem ? 'Error: Members' : 'Members',
      members: members.map((member) => showMember(member, who, isAdmin)),
      invitations: invitations.map((it) => showInvitation(it, clock())),
      isAdmin,
      query: `?org=${organization.slug}`,
      roles: roleChoices,
      form,
      field: problem?.details.param === 'role' ? 'role-ADMIN' : (problem?.details.param ?? 'members'),
      mistake: problem?.say ?? null,
      sentTo: sent?.email ?? null,
      notice: notices[String(ctx.query['done'])] ?? null,
    }
    visits.show(ctx, who, membersPath, 'members', props, problem?.status)
  }

  /** Sends the link, or where no mail goes shows it once, on the next page. */
  const deliver = async (ctx: Context, who: MemberVisitor, { invitation, token }: Invited) => {
    const { organization } = who.current
    const url = invitationUrl(publicUrl, token)
    const inviter = who.person.name ? `${who.person.name} (${who.person.email})` : who.person.email
    const letter = { invitation, url, organization: organization.name, inviter, brand }
    if (await sendInvitation(mailer, letter)) {
      seeOther(ctx, `${membersPath}?org=${organization.slug}&sent=${invitation.id}`)
    } else {
      await reveals.keep(ctx, who.person.id, { subject: invitation.email, text: url })
      seeOther(ctx, `${membersPath}/link?org=${organization.slug}`)
    }
  }

  /** The form of an administrator; what stands in the way of what it asks is said on the page itself. */
  const carryOut = async (
    ctx: Context,
    act: (who: MemberVisitor, form: URLSearchParams) => Promise<void>,
    retryOf: (form: URLSearchParams) => Omit<Retry, 'problem'> = () => untouched,
  ) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const who = await visits.member(ctx)
    requireAdmin(who)
    try {
      await act(who, form)
    } catch (thrown) {
      const isTheirs =
        thrown instanceof Problem && ['invalid_parameter', 'member_conflict'].includes(thrown.code)
      if (!isTheirs) throw thrown
      await show(ctx, who, { ...retryOf(form), problem: thrown })
    }
  }

  router.get(membersPath, async (ctx) => {
    reveals.forget(ctx)
    const who = await visits.signedIn(ctx)
    if (!who.current) return visits.show(ctx, who, membersPath, 'members-none', {})
    return await show(ctx, await visits.member(ctx), untouched)
  })

  router.post(`${membersPath}/invitations`, (ctx) =>
    carryOut(
      ctx,
      async (who, form) => {
        const wanted = {
          organization: who.current.organization.id,
          email: form.get('email') ?? '',
          role: readRole(form.get('role')),
          by: who.by,
        }
        await deliver(ctx, who, await inviteMember(db, wanted, clock()))
      },
      (form) => ({ email: form.get('email') ?? '', role: form.get('role') ?? '' }),
    ),
  )

  router.post(`${membersPath}/invitations/:id/again`, (ctx) =>
    carryOut(ctx, async (who) => {
      await deliver(ctx, who, await inviteAgain(db, requestOf(ctx, who), clock()))
    }),
  )

  router.post(`${membersPath}/invitations/:id/cancel`, (ctx) =>
    carryOut(ctx, async (who) => {
      await cancelInvitation(db, requestOf(ctx, who))
      seeOther(ctx, `${membersPath}?org=${who.current.organization.slug}&done=cancelled`)
    }),
  )

  router.get(`${membersPath}/link`, async (ctx) => {
    const who = await visits.member(ctx)
    requireAdmin(who)
    const revealed = await reveals.show(ctx, who.person.id)
    const query = `?org=${who.current.organization.slug}`
    const props = { email: revealed?.subject ?? null, link: revealed?.text.reveal() ?? null, query }
    visits.show(ctx, who, membersPath, 'invitation-link', props)
  })
}

/** @throws Problem invalid_parameter */
export function readRole(text: string | null): Role {
  const role = roles.find((it) => it === text)
  if (!role) throw new Problem('invalid_parameter', { param: 'role', say: 'Choose what they may do.' })
  return role
}

function requestOf(ctx: { readonly params: Record<string, string> } & Context, who: MemberVisitor) {
  return { organization: who.current.organization.id, invitation: invitationId(ctx), by: who.by }
}

function invitationId({ params }: { readonly params: Record<string, string> }): InvitationId {
  const id = params['id'] ?? ''
  if (!isInvitationId(id)) throw new Problem('page_not_found')
  return id
}

/** A member is shown names alone: the address only of who has told no name. */
function showMember(member: Member, { person }: Visitor, isAdmin: boolean) {
  const { name, email, role, since } = member
  return {
    id: member.person,
    name: name ?? email,
    email: isAdmin && name !== null ? email : null,
    initial: [...(name ?? email)][0]?.toUpperCase() ?? '',
    role,
    roleName: roleNames[role],
    since,
    sinceInWords: dayInWords(since),
    isYou: member.person === person.id,
  }
}

function showInvitation(it: InvitationListing, now: Date) {
  return {
    id: it.id,
    email: it.email,
    role: it.role,
    roleName: roleNames[it.role],
    inviter: it.inviter,
    until: it.expiresAt,
    untilInWords: dayInWords(it.expiresAt),
    isExpired: it.expiresAt <= now,
  }
}
