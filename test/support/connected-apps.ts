// People, an app, and what they allow it: what the tests of connected apps begin with. No promises of its own.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import type { PersonId } from '../../src/core/ids.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import { errorOf, exchange, obtainCode, readTokens, refresh, type Tokens } from './authorization.ts'
import { type House, startHouse } from './house.ts'
import { PersonBrowser } from './person-browser.ts'

export const connectedPath = '/admin/settings/connected-apps'
export const scope = 'read:bookings write:bookings'

export async function signedIn(house: House, email: string): Promise<PersonBrowser> {
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  return browser
}

/** Ann and Ben administer Acme, Mo is a member of it, and Zoe administers Other, whose developers made the app. */
export async function openConnected(t: TestContext) {
  const house = await startHouse(t)
  const acme = await house.organization('Acme')
  const other = await house.organization('Other')
  const ann = await house.person('ann@acme.example', acme)
  const ben = await house.person('ben@acme.example', acme)
  const mo = await house.person('mo@acme.example', acme, 'MEMBER')
  await house.person('zoe@other.example', other)
  const redirectUris = ['http://127.0.0.1/callback', 'https://sync.example/back', 'com.example.sync:/back']
  const app = await house.app(other, { redirectUris })
  const people = {
    ann: await signedIn(house, 'ann@acme.example'),
    ben: await signedIn(house, 'ben@acme.example'),
  }
  /** The whole way, in a browser that is signed in. */
  const obtain = async (who: keyof typeof people, which: App = app): Promise<Tokens> => {
    const code = await obtainCode(house.url, which, `${who}@acme.example`, scope, people[who])
    return readTokens(await exchange(house.url, which, code))
  }
  return { house, acme, other, app, ids: { ann, ben, mo }, ...people, obtain }
}

export const isAlive = async (house: House, { access_token }: Tokens) =>
  (await house.api('/me', access_token)).status === 200

/** Both of its tokens are refused. */
export async function assertOver(house: House, app: App, tokens: Tokens, what = ''): Promise<void> {
  assert.equal((await house.api('/me', tokens.access_token)).status, 401, what)
  assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '400 invalid_grant', what)
}

export const grantOf = async (house: House, person: PersonId) =>
  (await house.database.knex('grants').where({ person_id: person }).orderBy('created_at', 'desc'))[0]

export const textOf = (html: string) =>
  html
    .slice(html.indexOf('<main'))
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, ' ')

export const consentsIn = (house: House) =>
  house.database.knex('consents').orderBy(['client_id', 'person_id'])

export async function remember(
  house: House,
  person: PersonId,
  app: App,
  organization: Organization,
): Promise<void> {
  await house.database
    .knex('consents')
    .insert({
      person_id: person,
      client_id: app.clientId,
      organization_id: organization.id,
      scopes: scope.split(' '),
      resource: `${house.url}/api/v1`,
      redirect_hosts: ['127.0.0.1'],
    })
    .onConflict()
    .ignore()
}
