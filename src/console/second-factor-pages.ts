// Pages for the second factor: turn it on in three steps, turn it off, and its recovery codes.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { renderSVG } from 'uqr'
import { Problem } from '../core/problems.ts'
import type { Tx } from '../db/connect.ts'
import { Secret } from '../lib/secret.ts'
import { requireOwnPassword } from '../operators/account.ts'
import {
  beginSecondFactor,
  confirmSecondFactor,
  type FactorKeys,
  pendingSecret,
  removeSecondFactor,
  renewRecoveryCodes,
  secondFactorOf,
} from '../operators/second-factor.ts'
import { codeTries, tryOnce } from '../operators/throttle.ts'
import { totpLink } from '../operators/totp.ts'
import { readForm } from '../web/body.ts'
import { seeOther } from '../web/see-other.ts'
import { type AccountPagesParts, accountPath } from './account-pages.ts'
import { type Mistake, mistakeOf } from './mistake.ts'
import type { Reveals } from './reveal.ts'
import type { Visitor } from './visit.ts'

const factorPath = `${accountPath}/second-factor`
export const recoveryPath = `${accountPath}/recovery-codes`

export interface SecondFactorPagesParts extends AccountPagesParts {
  readonly factorKeys: FactorKeys
  /** For the recovery codes, at `recoveryPath`. */
  readonly reveals: Reveals
  /** Who the app says that the code is for. */
  readonly brand: string
}

export function addSecondFactorPages(router: Router, parts: SecondFactorPagesParts): void {
  const { db, visits, sessions, turnstile, factorKeys, reveals, clock } = parts

  /** Somebody with a form of ours. */
  const formOf = async (ctx: Context): Promise<{ who: Visitor; form: URLSearchParams }> => {
    const who = await visits.signedIn(ctx)
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    return { who, form }
  }
  const show = (ctx: Context, who: Visitor, view: string, props: object, mistake: Mistake | null) =>
    visits.show(ctx, who, accountPath, view, { ...props, mistake }, mistake ? 422 : 200)
  const isOn = async ({ person }: Visitor) => (await secondFactorOf(db, person.id)).state === 'on'
  const checkPassword = ({ person, origin }: Visitor, form: URLSearchParams) =>
    requireOwnPassword(db, turnstile, person, form.get('current_password') ?? '', origin.address)

  /** One try with the code in the form. @throws Problem invalid_parameter, rate_limit_exceeded */
  const withCode = async <T>(
    { person, by, origin }: Visitor,
    form: URLSearchParams,
    work: (request: { person: typeof person.id; code: string; by: typeof by }) => Promise<T | null>,
  ): Promise<T> => {
    const request = { person: person.id, code: form.get('code') ?? '', by }
    const result = await tryOnce(turnstile, codeTries(origin.address, person.id), () => work(request))
    if (result !== null) return result
    const say = 'This code is wrong, or was used already. Type the one that the app shows now.'
    throw new Problem('invalid_parameter', { param: 'code', say })
  }

  /** Makes recovery codes, for the page that shows them once. */
  const revealCodes = (
    ctx: Context,
    who: Visitor,
    form: URLSearchParams,
    make: (tx: Tx) => Promise<readonly string[]>,
  ) =>
    reveals.make(ctx, who.person.id, form.get('attempt') ?? '', async (tx) => ({
      subject: who.person.id,
      secret: new Secret((await make(tx)).join('\n')),
    }))

  // 1 of 3: the password.
  const showBegin = (ctx: Context, who: Visitor, mistake: Mistake | null) =>
    show(ctx, who, 'second-factor-begin', { email: who.person.email }, mistake)

  router.get(factorPath, async (ctx) => {
    const who = await visits.signedIn(ctx)
    if (await isOn(who)) return seeOther(ctx, accountPath)
    return showBegin(ctx, who, null)
  })

  router.post(factorPath, async (ctx) => {
    const { who, form } = await formOf(ctx)
    try {
      await checkPassword(who, form)
    } catch (thrown) {
      return showBegin(ctx, who, mistakeOf(thrown))
    }
    const isBegun = await beginSecondFactor(db, factorKeys, who.person.id, clock())
    return seeOther(ctx, isBegun ? `${factorPath}/confirm` : accountPath)
  })

  // 2 of 3: the app learns the secret, and shows that it has it.
  const showConfirm = (
    ctx: Context,
    who: Visitor,
    secret: Secret,
    attempt: string,
    mistake: Mistake | null,
  ) => {
    const link = totpLink(secret, parts.brand, who.person.email).reveal()
    const props = {
      // Black on white in dark mode, too: not every camera reads the other way round.
      picture: `data:image/svg+xml,${encodeURIComponent(renderSVG(link, { border: 2, ecc: 'M' }))}`,
      secret: secret.reveal().replace(/(.{4})(?!$)/g, '$1 '),
      link,
      attempt,
    }
    show(ctx, who, 'second-factor-confirm', props, mistake)
  }

  router.get(`${factorPath}/confirm`, async (ctx) => {
    const who = await visits.signedIn(ctx)
    const secret = await pendingSecret(db, factorKeys, who.person.id, clock())
    if (!secret) return seeOther(ctx, factorPath)
    return showConfirm(ctx, who, secret, reveals.newAttempt(), null)
  })

  router.post(`${factorPath}/confirm`, async (ctx) => {
    const { who, form } = await formOf(ctx)
    const secret = await pendingSecret(db, factorKeys, who.person.id, clock())
    try {
      await revealCodes(ctx, who, form, (tx) =>
        withCode(who, form, (request) => confirmSecondFactor(tx, factorKeys, request, clock())),
      )
    } catch (thrown) {
      if (!secret) return seeOther(ctx, factorPath)
      return showConfirm(ctx, who, secret, form.get('attempt') ?? '', mistakeOf(thrown))
    }
    return seeOther(ctx, recoveryPath)
  })

  // 3 of 3, and again whenever there are new ones: the recovery codes, shown once.
  router.get(recoveryPath, async (ctx) => {
    const who = await visits.signedIn(ctx)
    const found = await reveals.take(ctx, who.person.id)
    const props = { codes: found?.secret ?? null, email: who.person.email }
    if (!props.codes) return show(ctx, who, 'recovery-codes', props, null)
    return visits.showOnce(ctx, who, accountPath, 'recovery-codes', props)
  })

  router.post(`${recoveryPath}/saved`, async (ctx) => {
    await formOf(ctx)
    return seeOther(ctx, `${accountPath}?done=second-factor`)
  })

  const showRenew = (ctx: Context, who: Visitor, attempt: string, mistake: Mistake | null) =>
    show(ctx, who, 'recovery-codes-new', { attempt }, mistake)

  router.get(`${recoveryPath}/new`, async (ctx) => {
    const who = await visits.signedIn(ctx)
    if (!(await isOn(who))) return seeOther(ctx, accountPath)
    return showRenew(ctx, who, reveals.newAttempt(), null)
  })

  router.post(`${recoveryPath}/new`, async (ctx) => {
    const { who, form } = await formOf(ctx)
    try {
      await revealCodes(ctx, who, form, (tx) =>
        withCode(who, form, (request) => renewRecoveryCodes(tx, factorKeys, request, clock())),
      )
    } catch (thrown) {
      return showRenew(ctx, who, form.get('attempt') ?? '', mistakeOf(thrown))
    }
    return seeOther(ctx, recoveryPath)
  })

  const showOff = (ctx: Context, who: Visitor, mistake: Mistake | null) =>
    show(ctx, who, 'second-factor-off', { email: who.person.email }, mistake)

  router.get(`${factorPath}/off`, async (ctx) => {
    const who = await visits.signedIn(ctx)
    if (!(await isOn(who))) return seeOther(ctx, accountPath)
    return showOff(ctx, who, null)
  })

  router.post(`${factorPath}/off`, async (ctx) => {
    const { who, form } = await formOf(ctx)
    try {
      await checkPassword(who, form)
      await withCode(who, form, async (request) =>
        (await removeSecondFactor(db, factorKeys, request, clock())) ? true : null,
      )
    } catch (thrown) {
      return showOff(ctx, who, mistakeOf(thrown))
    }
    return seeOther(ctx, `${accountPath}?done=second-factor-off`)
  })
}
