// "Your account": who one is, the password, and where one is signed in.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import type { Clock } from '../lib/time.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import { changePassword, renamePerson } from '../operators/account.ts'
import { passwordMinLength } from '../operators/password.ts'
import { longestPersonName } from '../operators/person-name.ts'
import { secondFactorOf } from '../operators/second-factor.ts'
import {
  type EndElsewhere,
  endAllSessions,
  endSessionById,
  sessionSeconds,
  sessionsOf,
} from '../operators/session.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { sessionOrigin } from '../web/client-address.ts'
import { seeOther } from '../web/see-other.ts'
import { type Mistake, mistakeOf, readNewPassword } from './mistake.ts'
import type { Visitor, Visits } from './visit.ts'
import { atMinute, fromNow, onDay, sentenceFor, shortClient } from './words.ts'

export const accountPath = '/admin/account'
const passwordPath = `${accountPath}/password`

export interface AccountPagesParts {
  readonly db: Db
  readonly visits: Visits
  readonly sessions: BrowserSessions
  readonly turnstile: Turnstile
  readonly endElsewhere: EndElsewhere
  readonly clock: Clock
  readonly trustedProxies: number
}

/** What has just been done, by the word in the address. */
const doneSentences: Readonly<Record<string, string>> = {
  renamed: 'Your name was changed.',
  password: 'Your password was changed. You were signed out everywhere else.',
  session: 'That session was signed out.',
  'second-factor': 'Two-step sign-in is on.',
  'second-factor-off': 'Two-step sign-in is off.',
}

export function addAccountPages(router: Router, parts: AccountPagesParts): void {
  const { db, visits, sessions, turnstile, endElsewhere, clock, trustedProxies } = parts

  const showAccount = async (ctx: Context, who: Visitor, name: string, mistake: Mistake | null) => {
    const now = clock()
    const [factor, listed] = await Promise.all([
      secondFactorOf(db, who.person.id),
      sessionsOf(db, who.person.id, who.session, now),
    ])
    const props = {
      name,
      email: who.person.email,
      longestName: longestPersonName,
      mistake,
      done: sentenceFor(doneSentences, ctx.query['done']),
      factor: factor.state === 'on' ? { ...factor, since: onDay(factor.since) } : factor,
      sessions: listed.map((session) => ({
        id: session.id,
        browser: session.client ? shortClient(session.client) : 'Unknown browser',
        address: session.address,
        isCurrent: session.isCurrent,
        begun: atMinute(session.createdAt),
        lastSeen: fromNow(session.lastSeenAt, now),
      })),
    }
    visits.show(ctx, who, accountPath, 'account', props, mistake ? 422 : 200)
  }

  router.get(accountPath, async (ctx) => {
    const who = await visits.signedIn(ctx)
    await showAccount(ctx, who, who.person.name ?? '', null)
  })

  router.post(`${accountPath}/name`, async (ctx) => {
    const who = await visits.signedIn(ctx)
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const name = form.get('name') ?? ''
    try {
      await renamePerson(db, who.person.id, name, who.by)
    } catch (thrown) {
      return await showAccount(ctx, who, name, mistakeOf(thrown))
    }
    return seeOther(ctx, `${accountPath}?done=renamed`)
  })

  const showPassword = (ctx: Context, who: Visitor, mistake: Mistake | null) => {
    const props = { email: who.person.email, minLength: passwordMinLength, mistake }
    visits.show(ctx, who, accountPath, 'account-password', props, mistake ? 422 : 200)
  }

  router.get(passwordPath, async (ctx) => showPassword(ctx, await visits.signedIn(ctx), null))

  router.post(passwordPath, async (ctx) => {
    const who = await visits.signedIn(ctx)
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    try {
      const change = {
        person: who.person,
        currentPassword: form.get('current_password') ?? '',
        newPassword: readNewPassword(form),
        from: sessionOrigin(ctx, trustedProxies),
      }
      const session = await changePassword(db, turnstile, endElsewhere, change, clock())
      sessions.write(ctx, session, sessionSeconds)
    } catch (thrown) {
      return showPassword(ctx, who, mistakeOf(thrown))
    }
    return seeOther(ctx, `${accountPath}?done=password`)
  })

  router.post(`${accountPath}/sessions/:id/end`, async (ctx) => {
    const who = await visits.signedIn(ctx)
    sessions.checkForm(ctx, await readForm(ctx.req))
    if (!(await endSessionById(db, who.person.id, String(ctx['params'].id), who.by))) {
      throw new Problem('page_not_found', { say: 'You have no such session, or it has ended already.' })
    }
    // One's own is as good as any: the next page asks to sign in.
    return seeOther(ctx, `${accountPath}?done=session`)
  })

  router.post(`${accountPath}/sign-out-everywhere`, async (ctx) => {
    const who = await visits.signedIn(ctx)
    sessions.checkForm(ctx, await readForm(ctx.req))
    await endAllSessions(db, who.person.id, endElsewhere, who.by)
    sessions.clear(ctx)
    return seeOther(ctx, '/sign-in')
  })
}
