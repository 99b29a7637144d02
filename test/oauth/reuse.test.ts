// A retired refresh token that comes back: what it costs, what it is called, and who is told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import { listRefusals } from '../../src/apps/refusal-store.ts'
import type { NewApp } from '../../src/apps/register-app.ts'
import { sha256 } from '../../src/lib/digest.ts'
import { errorOf, exchange, obtainCode, readTokens, refresh, type Tokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const scope = 'read:bookings'
const home = { 'User-Agent': 'Calendar/1.0' }
const elsewhere = { 'User-Agent': 'curl/8' }

/** One app, and an authorization of it whenever one is needed. */
async function open(house: House, some: Partial<NewApp> = {}) {
  const organization = await house.organization(`Acme ${Math.random()}`)
  const address = `${organization.slug}@acme.example`
  await house.person(address, organization)
  const app = await house.app(organization, { refreshGraceSeconds: 0, ...some })
  const browser = new PersonBrowser(house.url)
  const code = () => obtainCode(house.url, app, address, scope, browser)
  return { app, code, authorize: async () => readTokens(await exchange(house.url, app, await code(), home)) }
}

const isAlive = async (house: House, tokens: Tokens) =>
  (await house.api('/me', tokens.access_token)).status === 200

const rotate = async (house: House, app: App, tokens: Tokens, headers: Record<string, string> = home) =>
  readTokens(await refresh(house.url, app, tokens.refresh_token, {}, headers))

const grantOf = async (house: House, { refresh_token: token }: Tokens): Promise<string> => {
  const row = await house.database
    .knex('refresh_tokens')
    .where({ hash: sha256(token) })
    .first('grant_id')
  return row.grant_id
}

/** Lets time pass over all that the database knows of the refresh tokens. */
const later = (house: House, seconds: number) =>
  house.database.knex.raw(
    `update refresh_tokens set created_at = created_at - ? * interval '1 second',
       retired_at = retired_at - ? * interval '1 second'`,
    [seconds, seconds],
  )

const ledgerOf = async (house: House, grant: string) => {
  const rows = await house.database
    .knex('audit_events')
    .where({ target: grant, action: 'refresh_token.reused' })
    .orderBy('id')
  return rows.map(({ details }) => `${details.cause} ${details.response}`)
}

async function countOf(house: House, cause: string, response: string): Promise<number> {
  const text = await (await fetch(`${house.url}/metrics`)).text()
  const line = `latchkey_refresh_tokens_reused_total{cause="${cause}",response="${response}"}`
  return Number(
    text
      .split('\n')
      .find((it) => it.startsWith(line))
      ?.slice(line.length) ?? 0,
  )
}

/** What the app's developers read, the newest first. */
async function toldTo(house: House, app: App): Promise<string[]> {
  await house.settle()
  return (await listRefusals(house.database.knex, app.clientId, 50)).map(({ reason }) => reason)
}

interface Case {
  readonly prepare: (house: House, app: App, tokens: Tokens) => Promise<unknown>
  readonly headers: Record<string, string>
  readonly advice: RegExp
}

const cases: Readonly<Record<string, Case>> = {
  lost_response: {
    prepare: rotate,
    headers: elsewhere,
    advice: /the answer to the refresh was lost.* Repeat a refresh/,
  },
  stale_client: {
    prepare: async (house, app, tokens) => rotate(house, app, await rotate(house, app, tokens)),
    headers: home,
    advice: /the app holds an old copy\. Write each new refresh token/,
  },
  reuse: {
    prepare: async (house, app, tokens) => rotate(house, app, await rotate(house, app, tokens)),
    headers: elsewhere,
    advice: /it was stolen: find out where it leaked/,
  },
}

test('T9, T10: each cause of reuse ends its family alone, and is told to everybody who may know', async (t) => {
  const house = await startHouse(t)
  const { app, authorize } = await open(house)
  const other = await authorize()
  for (const [cause, { prepare, headers, advice }] of Object.entries(cases)) {
    const tokens = await authorize()
    const grant = await grantOf(house, tokens)
    await prepare(house, app, tokens)
    await later(house, 10)
    const answer = await refresh(house.url, app, tokens.refresh_token, {}, headers)
    assert.equal(await errorOf(answer), '400 invalid_grant', cause)
    assert.deepEqual(await ledgerOf(house, grant), [`${cause} revoked`])
    assert.equal(await countOf(house, cause, 'revoked'), 1)
    const [told = ''] = await toldTo(house, app)
    assert.match(told, advice)
    assert.match(told, /The authorization has ended/)
    assert.equal(await house.database.knex('grants').where({ id: grant }).first(), undefined)
    assert.equal(await isAlive(house, tokens), false)
    // Nothing is left that could be presented once more, and nothing is told twice.
    const again = await refresh(house.url, app, tokens.refresh_token, {}, headers)
    assert.equal(await errorOf(again), '400 invalid_grant')
    assert.equal(await countOf(house, cause, 'revoked'), 1)
  }
  assert.ok(await isAlive(house, await rotate(house, app, other)), 'another install of the app')
})

test('an app that refuses reuse keeps its family, and every refusal is counted', async (t) => {
  const house = await startHouse(t)
  const { app, authorize } = await open(house, { reuseResponse: 'refuse' })
  for (const [cause, { prepare, headers }] of Object.entries(cases)) {
    const tokens = await authorize()
    const grant = await grantOf(house, tokens)
    const current = (await prepare(house, app, tokens)) as Tokens // each case gives the newest ones
    await later(house, 10)
    for (let time = 0; time < 3; time += 1) {
      const answer = await refresh(house.url, app, tokens.refresh_token, {}, headers)
      assert.equal(await errorOf(answer), '400 invalid_grant')
    }
    assert.deepEqual(await ledgerOf(house, grant), [`${cause} refused`], 'once a minute, however often')
    assert.equal(await countOf(house, cause, 'refused'), 3)
    assert.match((await toldTo(house, app))[0] ?? '', /The authorization lives on/)
    assert.ok(await isAlive(house, current))
    assert.ok(await isAlive(house, await rotate(house, app, current)))
  }
})

test('T11: without a grace window a race is refused, costs nothing, and is told as a race', async (t) => {
  const house = await startHouse(t)
  const { app, authorize } = await open(house)
  const tokens = await authorize()
  const grant = await grantOf(house, tokens)
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => refresh(house.url, app, tokens.refresh_token, {}, home)),
  )
  const won = answers.filter(({ status }) => status === 200)
  assert.equal(won.length, 1)
  for (const answer of answers)
    if (answer.status !== 200) assert.equal(await errorOf(answer), '400 invalid_grant')
  assert.deepEqual(await ledgerOf(house, grant), ['race refused'])
  assert.equal(await countOf(house, 'race', 'refused'), 19)
  assert.match(
    (await toldTo(house, app))[0] ?? '',
    /rotated by a parallel request.*The authorization lives on/,
  )
  const next = await readTokens(won[0] as Response) // there is one: asserted above
  assert.ok(await isAlive(house, await rotate(house, app, next)))
})

test('the use of an access token tells a lost answer from an old copy and from a thief', async (t) => {
  const house = await startHouse(t)
  const { app, authorize } = await open(house, { reuseResponse: 'refuse' })
  const tokens = await authorize()
  const grant = await grantOf(house, tokens)
  const next = await rotate(house, app, tokens)
  const use = async ({ access_token: token }: Tokens) => {
    assert.equal((await house.api('/me', token, { headers: home })).status, 200)
    await house.settle()
  }
  const present = (headers: Record<string, string>) =>
    refresh(house.url, app, tokens.refresh_token, {}, headers)

  await use(tokens)
  await later(house, 10)
  await present(home)
  await later(house, house.profile.oauth.accessTokenSeconds) // what came before has ended: this is the next one's
  await use(next)
  await present(home)
  await present(elsewhere)
  const causes = ['lost_response refused', 'stale_client refused', 'reuse refused']
  assert.deepEqual(await ledgerOf(house, grant), causes)
})

test("the grace window is the app's, to the second: the same answer before its end, reuse after it", async (t) => {
  const house = await startHouse(t)
  for (const grace of [10, 60, 1800]) {
    const { app, authorize } = await open(house, { refreshGraceSeconds: grace })
    const tokens = await authorize()
    const answer = await (await refresh(house.url, app, tokens.refresh_token)).text()
    await later(house, grace - 8)
    assert.equal(await (await refresh(house.url, app, tokens.refresh_token)).text(), answer, `${grace} s`)
    await later(house, 9)
    assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '400 invalid_grant')
    assert.equal(await isAlive(house, JSON.parse(answer) as Tokens), false)
  }
})

test('R3: revocation beats a refresh that is under way, and no grace window brings anything back', async (t) => {
  const house = await startHouse(t)
  const { app, authorize } = await open(house, { refreshGraceSeconds: 1800 })
  const tokens = await authorize()
  const grant = await grantOf(house, tokens)
  const next = await rotate(house, app, tokens)
  const late = await meanwhile(
    house,
    (tx) => tx('grants').where({ id: grant }).delete(),
    () => refresh(house.url, app, next.refresh_token),
  )
  assert.equal(await errorOf(late), '400 invalid_grant')
  assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '400 invalid_grant')
  assert.deepEqual(await house.database.knex('credentials'), [])
  assert.deepEqual(await house.database.knex('refresh_tokens'), [])
})

test('T6: a replayed code is told to the developers in words', async (t) => {
  const house = await startHouse(t)
  const { app, code } = await open(house)
  const once = await code()
  await readTokens(await exchange(house.url, app, once))
  await house.database.knex.raw(`update authorization_codes set consumed_at = consumed_at - interval '10 s'`)
  assert.equal(await errorOf(await exchange(house.url, app, once)), '400 invalid_grant')
  assert.match((await toldTo(house, app))[0] ?? '', /exchanged before, so all that it gave has ended/)
  const [event] = await house.database.knex('audit_events').where({ action: 'grant.revoked' })
  assert.equal(event.details.cause, 'code_replayed')

  const raced = await code()
  const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(house.url, app, raced)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  const told = (await toldTo(house, app)).filter((reason) => reason.includes('by a parallel request'))
  assert.equal(told.length, 9)
})

test('T15: an idle refresh token ends, a used one lives on, and neither outlives the authorization', async (t) => {
  const house = await startHouse(t)
  const { app, authorize } = await open(house, { refreshIdleSeconds: 3600, refreshLifetimeSeconds: 9000 })
  let current = await authorize()
  const idle = await authorize()
  for (const seconds of [3000, 3000]) {
    house.travel(seconds)
    current = await rotate(house, app, current)
  }
  assert.equal(await errorOf(await refresh(house.url, app, idle.refresh_token)), '400 invalid_grant')
  assert.match((await toldTo(house, app))[0] ?? '', /not used for longer than the app's idle lifetime/)

  house.travel(2900)
  const last = await rotate(house, app, current)
  assert.ok(last.expires_in <= 100, `${last.expires_in} s`)
  const grant = await grantOf(house, last)
  const { expires_at: end } = await house.database.knex('grants').where({ id: grant }).first('expires_at')
  const ends = await house.database.knex('refresh_tokens').where({ grant_id: grant }).select('expires_at')
  for (const { expires_at } of ends) assert.ok(expires_at <= end)
  house.travel(101)
  assert.equal(await errorOf(await refresh(house.url, app, last.refresh_token)), '400 invalid_grant')
  assert.match((await toldTo(house, app))[0] ?? '', /The authorization has come to its end/)
  // What is expired proves nothing: the family is not ended by its oldest token.
  await errorOf(await refresh(house.url, app, current.refresh_token))
  assert.deepEqual(await ledgerOf(house, grant), [])
})
