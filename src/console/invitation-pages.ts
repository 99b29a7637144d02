// The page behind an invitation's link: for somebody new, somebody we know, and somebody else.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { momentInWords } from '../lib/date-in-words.ts'
import type { Clock } from '../lib/time.ts'
import { acceptAsNewcomer, acceptAsPerson, whoseInvitation } from '../operators/accept-invitation.ts'
import { invitationPath } from '../operators/invite.ts'
import { passwordMinLength } from '../operators/password.ts'
import { longestPersonName } from '../operators/person-name.ts'
import { findPersonByEmail, type Person } from '../operators/person-store.ts'
import { sessionSeconds, startSession } from '../operators/session.ts'
import type { OpenInvitation } from '../organizations/invitation-store.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { originOf, sessionOrigin } from '../web/client-address.ts'
import { seeOther } from '../web/see-other.ts'
import type { Views } from '../web/views.ts'
import { roleNames, roleSentences } from './members-pages.ts'
import { refusedWhileSuspended, type Visits } from './visit.ts'

export interface InvitationPagesParts {
  readonly db: Db
  readonly views: Views
  readonly sessions: BrowserSessions
  readonly visits: Visits
  readonly clock: Clock
  readonly trustedProxies: number
  readonly profile: Profile
  /** Where one lands who has joined. */
  readonly home: string
}

/** Who holds the link. */
type Guest =
  /** Nobody has that address yet: a name and a password make a person of them. */
  | { readonly kind: 'newcomer' }
  /** Signed in as the one who is invited. */
  | { readonly kind: 'invited'; readonly person: Person }
  /** There is a person with that address: only their sign-in shows that it is them. */
  | { readonly kind: 'stranger' }
  /** Signed in as somebody else. */
  | { readonly kind: 'other'; readonly person: Person }

interface Retry {
  readonly name: string
  readonly problem: Problem | null
}

export function addInvitationPages(router: Router, parts: InvitationPagesParts): void {
  const { db, views, sessions, visits, clock, trustedProxies, profile, home } = parts

  /** @throws Problem link_expired, organization_suspended */
  const findInvitation = async (token: string): Promise<OpenInvitation> => {
    const invitation = await whoseInvitation(db, token, clock())
    if (!invitation) throw expired()
    if (invitation.isStopped) throw refusedWhileSuspended()
    return invitation
  }

  const whoIsThere = async (ctx: Context, { email }: OpenInvitation): Promise<Guest> => {
    const [visitor, invited] = [await visits.find(ctx), await findPersonByEmail(db, email)]
    if (!visitor) return { kind: invited ? 'stranger' : 'newcomer' }
    return { kind: visitor.person.id === invited?.id ? 'invited' : 'other', person: visitor.person }
  }

  const show = (
    ctx: Context,
    token: string,
    invitation: OpenInvitation,
    guest: Guest,
    { name, problem }: Retry,
    status = problem?.status,
  ) => {
    const { organizationName: organization, email, role, inviter, expiresAt } = invitation
    const props = {
      kind: guest.kind,
      token,
      organization,
      email,
      role: roleNames[role],
      roleSentence: roleSentences(profile)[role],
      inviter,
      until: expiresAt,
      untilInWords: momentInWords(expiresAt),
      signedInAs: 'person' in guest ? guest.person.email : null,
      back: invitationPath(token),
      name,
      minLength: passwordMinLength,
      maxName: longestPersonName,
      field: problem?.details.param ?? null,
      mistake: problem?.say ?? null,
      formToken: sessions.formToken(ctx),
    }
    views.show(ctx, 'invitation', props, status)
  }

  router.get('/invitation', async (ctx) => {
    const token = String(ctx.query['token'] ?? '')
    const invitation = await findInvitation(token)
    show(ctx, token, invitation, await whoIsThere(ctx, invitation), { name: '', problem: null })
  })

  router.post('/invitation', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkSignInForm(ctx, form)
    const token = form.get('token') ?? ''
    const invitation = await findInvitation(token)
    const guest = await whoIsThere(ctx, invitation)
    const from = originOf(ctx, trustedProxies)
    const joined = `${home}?org=${invitation.organizationSlug}`
    switch (guest.kind) {
      case 'stranger':
        return seeOther(ctx, `/sign-in?next=${encodeURIComponent(invitationPath(token))}`)
      case 'other':
        return show(ctx, token, invitation, guest, { name: '', problem: null }, 403)
      case 'invited':
        if (!(await acceptAsPerson(db, { token, from, person: guest.person.id }, clock()))) throw expired()
        return seeOther(ctx, joined)
      case 'newcomer': {
        const name = form.get('name') ?? ''
        const accepted = await tryToAccept({ token, from, name }, form).catch((thrown: unknown) => {
          if (thrown instanceof Problem && thrown.code === 'invalid_parameter') return thrown
          throw thrown
        })
        if (accepted instanceof Problem)
          return show(ctx, token, invitation, guest, { name, problem: accepted })
        if (!accepted) throw expired()
        const session = await startSession(db, accepted.person, sessionOrigin(ctx, trustedProxies), clock())
        sessions.write(ctx, session, sessionSeconds)
        return seeOther(ctx, joined)
      }
    }
  })

  const tryToAccept = async (
    it: Omit<Parameters<typeof acceptAsNewcomer>[1], 'password'>,
    form: URLSearchParams,
  ) => {
    const password = form.get('password') ?? ''
    if (password !== form.get('password_again')) {
      throw new Problem('invalid_parameter', {
        param: 'password_again',
        say: 'The two passwords are not the same.',
      })
    }
    return await acceptAsNewcomer(db, { ...it, password }, clock())
  }
}

const expired = () =>
  new Problem('link_expired', {
    say: 'This invitation was used, cancelled or replaced by a newer one, or is too old. Ask for a new one.',
  })
