// How much the authorization server asks of its database: exact counts of the statements that are truly sent, BEGIN
// and COMMIT too, as they pass between the two. docs/decisions/017 tells what they were.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  authorizationUrl,
  exchange,
  obtainCode,
  reachConsent,
  readTokens,
  refresh,
} from '../support/authorization.ts'
import { createTestDatabase } from '../support/database.ts'
import {
  type DatabaseProxy,
  isOfTheSealer,
  type Statement,
  startDatabaseProxy,
} from '../support/database-proxy.ts'
import { startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'

/** What the engine's adapter asks for, by what it asks about. */
const subjects: Readonly<Record<string, (statement: Statement) => boolean>> = {
  client: ({ name }) => name === 'app-by-client-id',
  interaction: ({ text }) => /\binteractions\b/.test(text),
  session: ({ text }) => /^(?!.*\binteractions\b).*\boauth_sessions\b/s.test(text),
  grant: ({ name }) => name === 'grant-by-id',
  code: ({ text }) => /into "?authorization_codes/.test(text),
}

function countsOf(statements: readonly Statement[]): Readonly<Record<string, number>> {
  const counted = Object.entries(subjects).map(
    ([subject, isIt]) => [subject, statements.filter(isIt).length] as const,
  )
  return Object.fromEntries(counted.filter(([, count]) => count > 0))
}

async function begin(t: TestContext) {
  const databaseUrl = await createTestDatabase(t)
  const proxy = await startDatabaseProxy(t, databaseUrl)
  const house = await startHouse(t, { databaseUrl: proxy.url })
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  return { proxy, house, app }
}

/** What passed while it was done. */
async function during<T>(proxy: DatabaseProxy, work: () => Promise<T>) {
  const from = proxy.seen.length
  const result = await work()
  return { result, statements: proxy.seen.slice(from) }
}

test("from the app's link to its code nothing is looked for twice in one request", async (t) => {
  const { proxy, house, app } = await begin(t)
  const browser = new PersonBrowser(house.url)
  const asked = authorizationUrl(house.url, app.clientId, scope)
  const link = await during(proxy, () => browser.open(asked.url))
  const signIn = await during(proxy, () => browser.signIn(link.result, email))
  const consent = await during(proxy, () => {
    const organization = /name="organization" id="[^"]+" value="([^"]+)"/.exec(signIn.result.html)?.[1] ?? ''
    return browser.submit(signIn.result, { organization, decision: 'allow' })
  })
  assert.match(consent.result.url, /[?&]code=/)

  const groups = { link, signIn, consent }
  for (const [name, { statements }] of Object.entries(groups)) {
    const all = statements.filter((statement) => !isOfTheSealer(statement)).length
    t.diagnostic(`${name}: ${all} statements, of these ${JSON.stringify(countsOf(statements))}`)
  }
  assert.deepEqual(
    Object.fromEntries(Object.entries(groups).map(([name, { statements }]) => [name, countsOf(statements)])),
    {
      // GET authorize: client, interaction written. GET the page: interaction; client, for its name.
      link: { client: 2, interaction: 2 },
      // POST: client, interaction, interaction written. GET resume: interaction, interaction deleted, client, interaction
      // written, session written. GET the page: interaction (with its session); client, for its name.
      signIn: { client: 3, interaction: 6, session: 1 },
      // POST: interaction (with its session), client, interaction written. GET resume: session, interaction, interaction
      // deleted, client, grant, code written, session deleted under its old id and written under the new one.
      consent: { client: 2, interaction: 4, session: 3, grant: 1, code: 1 },
    },
  )
})

test('a code exchange is three statements, a refresh two, and no transaction around them', async (t) => {
  const { proxy, house, app } = await begin(t)
  const code = await obtainCode(house.url, app, email, scope)
  const exchanged = await during(proxy, async () => await readTokens(await exchange(house.url, app, code)))
  const first = exchanged.result.refresh_token
  const refreshed = await during(proxy, async () => await readTokens(await refresh(house.url, app, first)))
  const again = await during(proxy, async () => await readTokens(await refresh(house.url, app, first)))
  const namesOf = ({ statements }: { readonly statements: readonly Statement[] }) => {
    const own = statements.filter((statement) => !isOfTheSealer(statement))
    const ours = new Set(own.map(({ connection }) => connection))
    const onOurs = statements.filter(({ connection }) => ours.has(connection))
    assert.deepEqual(onOurs, own, 'nothing else went by their connections, no BEGIN and no COMMIT')
    return own.map(({ name }) => name)
  }
  assert.deepEqual(namesOf(exchanged), ['app-by-client-id', 'codes-by-hash', 'spend-codes'])
  assert.deepEqual(namesOf(refreshed), ['refresh-tokens-by-hash', 'rotate-refresh-tokens'])
  assert.deepEqual(namesOf(again), ['refresh-tokens-by-hash'], 'the same answer again')
})

test('an interaction that was resumed meanwhile is not brought back by an answer that comes late', async (t) => {
  const { house, app } = await begin(t)
  const browser = new PersonBrowser(house.url)
  const asked = authorizationUrl(house.url, app.clientId, scope)
  const page = await reachConsent(browser, asked, email)
  const organization = /name="organization" id="[^"]+" value="([^"]+)"/.exec(page.html)?.[1] ?? ''
  // Held where the answer has been found good and is about to be written.
  const late = await meanwhile(
    house,
    async (tx) => tx.raw('delete from interactions'),
    () => browser.submit(page, { organization, decision: 'allow' }),
  )
  assert.equal(late.status, 400)
  assert.match(late.html, /start again/)
  assert.deepEqual(await house.asOwner('select 1 from interactions'), [])
})
