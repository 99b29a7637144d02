// Access that is removed at one process is over at every process, whatever they were doing with it; and the same by
// command line.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorOf, exchange, obtainCode, readTokens, refresh, type Tokens } from '../support/authorization.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { freePort } from '../support/port.ts'
import { makeHome, runJson, type ServerProcess, startServer } from '../support/server-process.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'
const path = '/admin/settings/connected-apps'

test('R3, R4: with two processes, what is removed at one is over at both, with a storm of refreshes under way', async (t) => {
  // One process is the test's own: the server in it is the one that browsers come to.
  const one = await startHouse(t)
  const { url, databaseUrl } = one
  const acme = await one.organization('Acme')
  await one.person(email, acme)
  const app = await one.app(acme, { scopes: [scope] })
  const home = await makeHome(t)
  const env = { DATABASE_URL: databaseUrl, COOKIE_KEYS: 'k'.repeat(40), PUBLIC_URL: url }
  const two = await startServer(t, { home, env: { ...env, PORT: String(await freePort()) } })
  const browser = new PersonBrowser(url)
  const obtain = async () => {
    const code = await obtainCode(url, app, email, scope, browser)
    return readTokens(await exchange(url, app, code))
  }
  const status = async (server: House | ServerProcess, tokens: Tokens) =>
    (await server.api('/me', tokens.access_token)).status
  const assertOver = async (tokens: Tokens) => {
    for (const server of [one, two]) {
      assert.equal(await status(server, tokens), 401)
      const answer = await refresh(server.url, app, tokens.refresh_token)
      assert.equal(await errorOf(answer), '400 invalid_grant')
    }
  }
  const grants = () => queryDatabase<{ id: string }>(databaseUrl, 'select id from grants')

  for (let round = 0; round < 3; round += 1) {
    const tokens = await obtain()
    assert.deepEqual([await status(one, tokens), await status(two, tokens)], [200, 200])
    const [grant] = await grants()
    const confirm = await browser.open(`${path}/${grant?.id}/remove`)
    const storm = Array.from({ length: 30 }, (_, index) =>
      refresh(index % 2 === 0 ? one.url : two.url, app, tokens.refresh_token),
    )
    await sleep(round * 4)
    const removed = await browser.submit(confirm, {})
    assert.match(removed.html, /has no access any more/)
    for (const answer of await Promise.all(storm)) {
      if (answer.status === 200) await assertOver(await readTokens(answer))
      else assert.equal(await errorOf(answer), '400 invalid_grant')
    }
    await assertOver(tokens)
    const alive = await queryDatabase(databaseUrl, `select 1 from credentials where kind = 'access_token'`)
    assert.deepEqual(alive, [])
  }

  const tokens = await obtain()
  await two.api('/bookings', tokens.access_token, { headers: { 'User-Agent': 'sync/2.1' } })
  type Listed = { id: string; last_used: { at: string; client: string; operation: string } | null }
  const list = () => runJson<Listed[]>(home, ['grant', 'list'], env)
  for (let tries = 0; tries < 40 && (await grants()).length > 0; tries += 1) {
    const uses = await queryDatabase(databaseUrl, 'select 1 from grant_uses')
    if (uses.length > 0) break
    await sleep(250)
  }
  const [listed] = await list()
  assert.deepEqual([listed?.last_used?.client, listed?.last_used?.operation], ['sync/2.1', 'GET /bookings'])

  await queryDatabase(
    databaseUrl,
    `insert into consents (person_id, client_id, organization_id, scopes, resource, redirect_hosts)
     select person_id, client_id, organization_id, scopes, resource, '{127.0.0.1}' from grants on conflict do nothing`,
  )
  await runJson(home, ['grant', 'revoke', listed?.id ?? ''], env)
  await assertOver(tokens)
  assert.deepEqual(await queryDatabase(databaseUrl, 'select 1 from consents'), [], 'the app has to ask again')
})
