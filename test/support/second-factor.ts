// A person's authenticator app, and the pages by which it is set up.
import assert from 'node:assert/strict'
import { Secret, TOTP } from 'otpauth'
import type { House } from './house.ts'
import { password } from './password.ts'
import { type Page, PersonBrowser } from './person-browser.ts'

export interface Authenticator {
  /** The code of the server's present time step, or of one so many steps away. */
  code(stepsAway?: number): string
  /** Moves the server to the beginning of the next time step, whose code is not spent yet. */
  nextCode(): string
  readonly secret: string
  readonly recoveryCodes: readonly string[]
}

/** An app that was told the secret, with its clock at that of the house. */
export function authenticatorOf(
  house: House,
  secret: string,
  recoveryCodes: readonly string[] = [],
): Authenticator {
  const code = (stepsAway = 0) =>
    TOTP.generate({
      secret: Secret.fromBase32(secret),
      timestamp: house.now().getTime() + stepsAway * 30_000,
    })
  const nextCode = () => {
    // A millisecond into it: a fraction of one would otherwise decide on which side of the edge we land.
    house.travel((30_001 - (house.now().getTime() % 30_000)) / 1000)
    return code()
  }
  return { code, nextCode, secret, recoveryCodes }
}

/** Turns the second factor on in a browser that is signed in. */
export async function turnOnSecondFactor(house: House, browser: PersonBrowser): Promise<Authenticator> {
  const begin = await browser.open('/admin/account/second-factor')
  const confirm = await browser.submit(begin, { current_password: password })
  const secret = secretOn(confirm.html)
  const shown = await browser.submit(confirm, { code: authenticatorOf(house, secret).code() })
  const codes = recoveryCodesOn(shown.html)
  assert.equal(codes.length, 10, shown.html)
  return authenticatorOf(house, secret, codes)
}

/** The setup key that a page shows. */
export function secretOn(html: string): string {
  const secret = /<code class="key">([^<]+)</.exec(html)?.[1]
  assert.ok(secret, html)
  return secret.replaceAll(' ', '')
}

export function recoveryCodesOn(html: string): string[] {
  return [...html.matchAll(/\b[0-9a-z]{4}(?:-[0-9a-z]{4}){3}\b/g)].map(([code]) => code)
}

/** Another browser, at the page that asks for the code. */
export async function halfway(house: House, email: string) {
  const browser = new PersonBrowser(house.url)
  const page = await browser.signIn(await browser.open('/sign-in?next=/admin/account'), email)
  assert.match(page.url, /\/sign-in\/code\?/)
  return { browser, page }
}

/** Has the page been seen by somebody who is signed in? */
export const isSignedIn = (page: Page) => /\/admin\//.test(page.url) && page.status === 200
