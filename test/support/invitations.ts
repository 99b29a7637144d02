// Invitations as people use them: the link is in the mail, and the form on the members' page makes it.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { House } from './house.ts'
import type { Page, PersonBrowser } from './person-browser.ts'

/** The links in the mails that the house has sent, the oldest first. */
export function mailedLinks(house: House): string[] {
  return house.mails.map(({ text }) => linkIn(text))
}

export function linkIn(text: string): string {
  const link = /^\s*(http\S+\/invitation\?token=\S+)$/m.exec(text)?.[1]
  assert.ok(link, text)
  return link
}

/** The newest link that was mailed. */
export function lastLink(house: House): string {
  const link = mailedLinks(house).at(-1)
  assert.ok(link, 'a link was mailed')
  return link
}

/** Posts to an action of the console with the form token of `page`. */
export function post(
  browser: PersonBrowser,
  page: Page,
  action: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<Page> {
  const token = /name="form_token" value="([^"]+)"/.exec(page.html)?.[1] ?? ''
  const body = new URLSearchParams({ form_token: token, ...fields })
  return browser.open(action, { method: 'POST', body, headers: { 'Sec-Fetch-Site': 'same-origin' } })
}

/** Signs in and opens the page of members. */
export async function openMembers(browser: PersonBrowser, email: string): Promise<Page> {
  await browser.signIn(await browser.open('/sign-in'), email)
  return await browser.open('/admin/members')
}

/** Invites by the form on the members' page. */
export function invite(browser: PersonBrowser, page: Page, email: string, role = 'MEMBER'): Promise<Page> {
  const attempt = randomBytes(32).toString('base64url')
  return post(browser, page, '/admin/members/invitations', { email, role, attempt })
}
