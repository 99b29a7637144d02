// Pages for the people of an organization: who belongs to it, who is invited, and inviting.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { type InvitationId, isInvitationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db, Tx } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import type { Clock } from '../lib/time.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import type { Mailer } from '../mail/mailer.ts'
import { type InvitationLetter, sendInvitation } from '../operators/invitation-mail.ts'
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
import type { Reveals } from './reveal.ts'
import { type MemberVisitor, requireAdmin, type Visitor, type Visits } from './visit.ts'
import { onDay, sentenceFor } from './words.ts'

export const membersPath = '/admin/members'

export interface MembersPagesParts {
  readonly db: Db
  readonly sessions: BrowserSessions
  readonly visits: Visits
  readonly clock: Clock
  readonly mailer: Mailer
  readonly turnstile: Turnstile
  readonly reveals: Reveals
  readonly publicUrl: string
  readonly profile: Profile
}

/** What each role may do, in a sentence: of what there is with the profile. */
export function roleSentences({ modes, oauth }: Profile): Readonly<Record<Role, string>> {
  const hasTestMode = modes.includes('test')
  const keys = hasTestMode ? 'live keys' : 'keys'
  return {
    ADMIN: `Does everything: ${keys}, ${oauth.enabled ? 'apps, ' : ''}people and the audit log.`,
    MEMBER: hasTestMode ? 'Sees the names of keys, and creates test keys.' : 'Sees the names of keys.',
  }
}
export const roleNames: Readonly<Record<Role, string>> = { ADMIN: 'Administrator', MEMBER: 'Member' }
export const roleChoices = (profile: Profile) =>
  roles.map((value) => ({ value, name: roleNames[value], sentence: roleSentences(profile)[value] }))

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
  const { db, sessions, visits, clock, mailer, reveals, publicUrl, profile, turnstile } = parts

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
      invitations: invitations.map((it) => ({
        ...showInvitation(it, clock()),
        attempt: reveals.newAttempt(),
      })),
      attempt: reveals.newAttempt(),
      isAdmin,
      query: `?org=${organization.slug}`,
      roles: roleChoices(profile),
      form,
      field: problem?.details.param === 'role' ? 'role-ADMIN' : (problem?.details.param ?? 'members'),
      mistake: problem?.say ?? null,
      sentTo: sent?.email ?? null,
      notice: sentenceFor(notices, ctx.query['done']),
    }
    visits.show(ctx, who, membersPath, 'members', props, problem?.status)
  }

  /**
   * Invites, and sends the link; where no mail goes it is shown once, on the next page. The form that comes
   * twice invites once.
   */
  const deliver = async (
    ctx: Context,
    who: MemberVisitor,
    form: URLSearchParams,
    make: (tx: Tx) => Promise<Invited>,
  ) => {
    const { organization } = who.current
    const list = `${membersPath}?org=${organization.slug}`
    const link = `${membersPath}/link?org=${organization.slug}`
    const letters: InvitationLetter[] = []
    await turnstile.pass('invitations-of-organization', organization.id, () => {})
    await reveals.make(ctx, who.person.id, form.get('attempt') ?? '', async (tx) => {
      const { invitation, token } = await make(tx)
      const url = invitationUrl(publicUrl, token)
      const inviter = who.person.name ? `${who.person.name} (${who.person.email})` : who.person.email
      letters.push({
        invitation,
        url,
        organization: organization.name,
        inviter,
        brand: profile.brand.name,
      })
      return { subject: invitation.id, secret: url }
    })
    const [letter] = letters
    if (!letter) return seeOther(ctx, mailer.way === 'smtp' ? list : link)
    // After the commit: a mail can't be called back.
    const isSent = await sendInvitation(mailer, letter)
    return seeOther(ctx, isSent ? `${list}&sent=${letter.invitation.id}` : link)
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
    const who = await visits.signedIn(ctx)
    if (!who.current) return visits.show(ctx, who, membersPath, 'no-account', {})
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
        await deliver(ctx, who, form, (tx) => inviteMember(tx, wanted, clock()))
      },
      (form) => ({ email: form.get('email') ?? '', role: form.get('role') ?? '' }),
    ),
  )

  router.post(`${membersPath}/invitations/:id/again`, (ctx) =>
    carryOut(ctx, async (who, form) => {
      const request = requestOf(ctx, who)
      await deliver(ctx, who, form, (tx) => inviteAgain(tx, request, clock()))
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
    const { organization } = who.current
    const revealed = await reveals.take(ctx, who.person.id)
    const reach = { organization: organization.id, mode: 'any' } as const
    const open = await asTenant(db, reach, (tx) => listOpenInvitations(tx, organization.id))
    visits.showOnce(ctx, who, membersPath, 'invitation-link', {
      email: open.find(({ id }) => id === revealed?.subject)?.email ?? null,
      link: revealed?.secret ?? null,
      query: `?org=${organization.slug}`,
    })
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
    sinceInWords: onDay(since),
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
    untilInWords: onDay(it.expiresAt),
    isExpired: it.expiresAt <= now,
  }
}
