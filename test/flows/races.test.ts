// Two server processes on one PostgreSQL: what is spent is spent once, and who is killed costs nobody anything.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import { sha256 } from '../../src/lib/digest.ts'
import {
  authorizationUrl,
  challengeOf,
  exchange,
  obtainCode,
  obtainTokens,
  reachConsent,
  readTokens,
  refresh,
  type Tokens,
} from '../support/authorization.ts'
import { createTestDatabase, queryDatabase } from '../support/database.ts'
import { assertNotIn, dumpDatabase } from '../support/dump.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { freePort } from '../support/port.ts'
import { makeHome, runJson, type ServerProcess, startServer } from '../support/server-process.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'
const parallel = 100

interface Pair {
  readonly databaseUrl: string
  readonly env: Readonly<Record<string, string>>
  readonly home: string
  /** The address of the server; the second process is behind another port, as behind a load balancer. */
  readonly one: ServerProcess
  readonly two: ServerProcess
  readonly app: (graceSeconds: number) => Promise<App>
}

async function startPair(t: Parameters<typeof makeHome>[0]): Promise<Pair> {
  const databaseUrl = await createTestDatabase(t, { empty: true })
  const home = await makeHome(t)
  const port = await freePort()
  const env = {
    DATABASE_URL: databaseUrl,
    COOKIE_KEYS: 'k'.repeat(40),
    PUBLIC_URL: `http://localhost:${port}`,
  }
  const one = await startServer(t, { home, env: { ...env, PORT: String(port) } })
  const two = await startServer(t, { home, env: { ...env, PORT: String(await freePort()) } })
  await runJson(home, ['org', 'create', '--name', 'Acme'], env)
  const person = ['person', 'create', email, '--org', 'acme', '--role', 'ADMIN', '--password', password]
  await runJson(home, person, env)
  const app = async (graceSeconds: number) => {
    const words = ['app', 'create', '--org', 'acme', '--name', 'App', '--mode', 'test', '--scope', scope]
    const more = ['--redirect-uri', 'http://127.0.0.1/callback', '--refresh-grace', String(graceSeconds)]
    const made = await runJson<{ client_id: App['clientId'] }>(home, [...words, ...more], env)
    // All that the app's side needs of it.
    return { clientId: made.client_id } as App
  }
  return { databaseUrl, env, home, one, two, app }
}

const meStatus = async (server: ServerProcess, tokens: Tokens) =>
  (await server.api('/me', tokens.access_token)).status

/** Sends the same request `parallel` times at once, by turns to the one and the other process. */
async function storm(pair: Pair, send: (server: string) => Promise<Response>) {
  const answers = await Promise.all(
    Array.from({ length: parallel }, async (_, index) => {
      const response = await send(index % 2 === 0 ? pair.one.url : pair.two.url)
      return { status: response.status, text: await response.text() }
    }),
  )
  for (const { status, text } of answers) {
    if (status !== 200) assert.match(text, /"invalid_grant"/, `${status} ${text}`)
  }
  return answers.filter(({ status }) => status === 200).map(({ text }) => text)
}

test(`${parallel} parallel exchanges of one code, and refreshes of one token, at two processes leave one token set alive`, async (t) => {
  const pair = await startPair(t)
  for (const grace of [60, 0]) {
    const app = await pair.app(grace)
    for (let round = 0; round < 3; round += 1) {
      const code = await obtainCode(pair.one.url, app, email, scope)
      const won = await storm(pair, (server) => exchange(server, app, code))
      assert.equal(won.length, 1, 'exactly one exchange')
      let tokens = JSON.parse(won[0] ?? '') as Tokens
      assert.equal(await meStatus(pair.two, tokens), 200, 'and its tokens live')

      const { refresh_token: presented } = tokens
      const answers = await storm(pair, (server) => refresh(server, app, presented))
      assert.equal(new Set(answers).size, 1, 'one rotation, whoever is told of it')
      if (grace > 0) assert.equal(answers.length, parallel)
      tokens = JSON.parse(answers[0] ?? '') as Tokens
      assert.equal(await meStatus(pair.one, tokens), 200)
      const alive = await queryDatabase(
        pair.databaseUrl,
        `select 1 from refresh_tokens r join grants g on g.id = r.grant_id
         where g.client_id = $1 and r.retired_at is null`,
        [app.clientId],
      )
      assert.equal(alive.length, round + 1, 'one current refresh token for each authorization')
    }
  }
})

test('kill -9 in the middle of exchanges and refreshes costs the client nothing', async (t) => {
  const pair = await startPair(t)
  const app = await pair.app(60)
  let { two } = pair
  const port = String(two.port)
  let cutShort = 0
  for (let round = 0; round < 6; round += 1) {
    // Both kinds at once, and the process killed a little later each time, from at once to after the answer.
    const code = await obtainCode(pair.one.url, app, email, scope)
    const tokens = await obtainTokens(pair.one.url, app, email, scope)
    const tries = [exchange(two.url, app, code), refresh(two.url, app, tokens.refresh_token)]
    const killed = new Promise<void>((resolve) => setTimeout(resolve, round * 4)).then(() =>
      two.stop('SIGKILL'),
    )
    const [exchanged, refreshed] = await Promise.allSettled(tries)
    await killed
    if (exchanged?.status === 'rejected' || refreshed?.status === 'rejected') cutShort += 1

    // The client asks again, at the process that is left.
    const again = await refresh(pair.one.url, app, tokens.refresh_token)
    const rotated = await readTokens(again)
    assert.equal(await meStatus(pair.one, rotated), 200)

    const [spent] = await queryDatabase<{ spent: boolean; tokens: number }>(
      pair.databaseUrl,
      `select consumed_at is not null as spent,
         (select count(*)::int from credentials where grant_id = authorization_codes.grant_id) as tokens
       from authorization_codes where hash = $1`,
      [sha256(code.code)],
    )
    assert.ok(spent)
    assert.equal(
      spent.tokens,
      spent.spent ? 1 : 0,
      'a code is spent together with what it minted, or not at all',
    )
    if (!spent.spent)
      assert.equal(await meStatus(pair.one, await readTokens(await exchange(pair.one.url, app, code))), 200)
    two = await startServer(t, { home: pair.home, env: { ...pair.env, PORT: port } })
  }
  assert.ok(cutShort > 0, 'at least one request was cut short')
})

test('after all that, the database contains no token, code, session id or password', async (t) => {
  const pair = await startPair(t)
  const app = await pair.app(60)
  const secrets: string[] = [password]
  const code = await obtainCode(pair.one.url, app, email, scope)
  const unused = await obtainCode(pair.one.url, app, email, scope)
  const tokens = await readTokens(await exchange(pair.one.url, app, code))
  const rotated = await readTokens(await refresh(pair.one.url, app, tokens.refresh_token))
  const key = await runJson<{ secret: string }>(
    pair.home,
    ['key', 'create', '--org', 'acme', '--mode', 'live', '--scope', scope],
    pair.env,
  )
  secrets.push(code.code, unused.code, key.secret)
  for (const set of [tokens, rotated]) secrets.push(set.access_token, set.refresh_token)
  const { browser, asked } = await browse(pair, app)
  secrets.push(...browser)
  const dump = await dumpDatabase(pair.databaseUrl)
  assert.ok(dump.includes(email) && dump.includes(challengeOf(asked)), 'the dump is a dump')
  for (const secret of secrets) assertNotIn(dump, secret)
  const logs = pair.one.stdout() + pair.two.stdout() + pair.one.stderr() + pair.two.stderr()
  for (const secret of secrets) assert.ok(!logs.includes(secret), `${secret.slice(0, 12)}… lies in the log`)
})

/** A person on the way to an app, stopped before the end: the cookies that the browser holds. */
async function browse(pair: Pair, app: App): Promise<{ browser: string[]; asked: string }> {
  const browser = new PersonBrowser(pair.one.url)
  const asked = authorizationUrl(pair.one.url, app.clientId, scope)
  await reachConsent(browser, asked, email)
  const cookies = browser.cookies().filter((value) => value.length >= 20)
  assert.ok(cookies.length >= 4, `${cookies.length} cookies`)
  return { browser: cookies, asked: asked.verifier }
}
