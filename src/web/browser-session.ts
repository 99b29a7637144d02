// The cookies by which we know a browser, and the token that its forms carry (SECURITY U5, U7).
import type { Context } from 'koa'
import { Problem } from '../core/problems.ts'
import { deriveKey, equal, hmac } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import type { Secret } from '../lib/secret.ts'

export interface BrowserSessions {
  /** The id of the session that the browser holds; null for none. Whether it is good is asked elsewhere. */
  read(ctx: Context): string | null
  write(ctx: Context, id: Secret, seconds: number): void
  clear(ctx: Context): void
  /** What the browser holds between the password and the code; null for nothing. */
  readStep(ctx: Context): string | null
  writeStep(ctx: Context, step: Secret, seconds: number): void
  clearStep(ctx: Context): void
  /** The slug of the organization that the person looked at last; null for none. Whether it is theirs is asked elsewhere. */
  readOrganization(ctx: Context): string | null
  writeOrganization(ctx: Context, slug: string): void
  /** What a form on this page must carry. */
  formToken(ctx: Context): string
  /** @throws Problem form_refused for a form that did not come from one of our pages in this browser's session */
  checkForm(ctx: Context, form: URLSearchParams): void
  /** As `checkForm`, for forms that one fills in before signing in, though another tab may have done so since. */
  checkSignInForm(ctx: Context, form: URLSearchParams): void
}

export const formTokenField = 'form_token'

/** `__Host-` cookies where https allows them; SameSite=Lax, so that an app's link finds a person signed in. */
export function createBrowserSessions(publicUrl: string, cookieKeys: readonly Secret[]): BrowserSessions {
  const secure = publicUrl.startsWith('https:')
  const prefix = secure ? '__Host-' : ''
  const sessionCookie = `${prefix}latchkey_session`
  const stepCookie = `${prefix}latchkey_sign_in`
  // Names a browser in which nobody has signed in yet, so that its sign-in form can be bound to it.
  const browserCookie = `${prefix}latchkey_browser`
  const organizationCookie = `${prefix}latchkey_organization`
  const options = { httpOnly: true, sameSite: 'lax', secure, path: '/', signed: false } as const
  const formKeys = cookieKeys.map((key) => deriveKey(key.reveal(), 'latchkey form token v1'))

  const read = (ctx: Context) => ctx.cookies.get(sessionCookie, { signed: false }) ?? null
  const readBrowser = (ctx: Context) => ctx.cookies.get(browserCookie, { signed: false }) ?? null
  const tokens = (bound: string) => formKeys.map((key) => hmac(key, bound))
  const check = (ctx: Context, form: URLSearchParams, bounds: readonly (string | null)[]) => {
    const sent = form.get(formTokenField) ?? ''
    const isOurs = bounds.some((bound) => bound !== null && tokens(bound).some((token) => equal(token, sent)))
    if (!cameFromOurPage(ctx, publicUrl) || !isOurs) throw new Problem('form_refused')
  }
  return {
    read,
    write: (ctx, id, seconds) => {
      ctx.cookies.set(sessionCookie, id.reveal(), { ...options, maxAge: seconds * 1000 })
    },
    clear: (ctx) => {
      ctx.cookies.set(sessionCookie, null, options)
    },
    readStep: (ctx) => ctx.cookies.get(stepCookie, { signed: false }) ?? null,
    writeStep: (ctx, step, seconds) => {
      ctx.cookies.set(stepCookie, step.reveal(), { ...options, maxAge: seconds * 1000 })
    },
    clearStep: (ctx) => {
      ctx.cookies.set(stepCookie, null, options)
    },
    readOrganization: (ctx) => ctx.cookies.get(organizationCookie, { signed: false }) ?? null,
    writeOrganization: (ctx, slug) => {
      ctx.cookies.set(organizationCookie, slug, options)
    },
    formToken: (ctx) => {
      const session = read(ctx)
      if (session) return tokens(session)[0] ?? ''
      let browser = readBrowser(ctx)
      if (!browser) {
        browser = randomToken()
        ctx.cookies.set(browserCookie, browser, options)
      }
      return tokens(browser)[0] ?? ''
    },
    checkForm: (ctx, form) => check(ctx, form, [read(ctx) ?? readBrowser(ctx)]),
    checkSignInForm: (ctx, form) => check(ctx, form, [read(ctx), readBrowser(ctx)]),
  }
}

/** Browsers say where a form came from; those that say nothing are held by the token alone. */
function cameFromOurPage(ctx: Context, publicUrl: string): boolean {
  const site = ctx.get('Sec-Fetch-Site')
  if (site !== '') return site === 'same-origin'
  const origin = ctx.get('Origin')
  return origin === '' || origin === publicUrl
}
