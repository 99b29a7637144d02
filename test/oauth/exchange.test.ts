import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import {
  errorOf,
  exchange,
  obtainCode,
  postToken,
  readTokens,
  redirectUri,
  refresh,
  type Tokens,
} from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'

const scope = 'read:bookings read:customers'
const email = 'ann@acme.example'

async function open(t: Parameters<typeof startHouse>[0]): Promise<{ house: House; app: App; other: App }> {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  return { house, app: await house.app(organization), other: await house.app(organization) }
}

const isAlive = async (house: House, tokens: Tokens) =>
  (await house.api('/me', tokens.access_token)).status === 200

test('T1: a code is exchanged for tokens that say what they are', async (t) => {
  const { house, app } = await open(t)
  const response = await exchange(house.url, app, await obtainCode(house.url, app, email, scope))
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const tokens = await readTokens(response)
  assert.deepEqual([tokens.token_type, tokens.expires_in, tokens.scope], ['Bearer', 3600, scope])
  assert.ok(await isAlive(house, tokens))
})

test('T2, T4, T8, T14: a wrong verifier, client, redirect URI or resource does not cost the code', async (t) => {
  const { house, app, other } = await open(t)
  const { code, verifier } = await obtainCode(house.url, app, email, scope)
  const right = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: redirectUri,
    client_id: app.clientId,
  }
  const wrong: readonly [Record<string, string>, string][] = [
    [{ code_verifier: 'w'.repeat(43) }, '400 invalid_grant'],
    [{ client_id: other.clientId }, '400 invalid_grant'],
    [{ redirect_uri: 'http://127.0.0.1:1/callback' }, '400 invalid_grant'],
    [{ resource: 'https://other.example/' }, '400 invalid_target'],
    [{ code: `${code}x` }, '400 invalid_grant'],
  ]
  for (const [change, error] of wrong) {
    assert.equal(
      await errorOf(await postToken(house.url, { ...right, ...change })),
      error,
      JSON.stringify(change),
    )
  }
  const { code_verifier: _, ...without } = right
  assert.equal(await errorOf(await postToken(house.url, without)), '400 invalid_grant')
  const tokens = await readTokens(await postToken(house.url, right))
  assert.equal(
    await errorOf(await postToken(house.url, { ...right, code_verifier: 'w'.repeat(43) })),
    '400 invalid_grant',
  )
  assert.ok(await isAlive(house, tokens), 'T8: a replay that can not show the verifier ends nothing')
})

test('T6: a replayed code is refused and ends what it had minted', async (t) => {
  const { house, app } = await open(t)
  const code = await obtainCode(house.url, app, email, scope)
  const tokens = await readTokens(await exchange(house.url, app, code))
  assert.equal(await errorOf(await exchange(house.url, app, code)), '400 invalid_grant')
  assert.equal(await isAlive(house, tokens), false)
  assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '400 invalid_grant')
  const events = await house.database.knex('audit_events').where({ action: 'grant.revoked' })
  assert.equal(events.length, 1)
  assert.equal(events[0].details.cause, 'code_replayed')
})

test('T7: of 50 parallel exchanges of one code exactly one gets tokens, and they live', async (t) => {
  const { house, app } = await open(t)
  for (let round = 0; round < 3; round += 1) {
    const code = await obtainCode(house.url, app, email, scope)
    const responses = await Promise.all(Array.from({ length: 50 }, () => exchange(house.url, app, code)))
    const winners = responses.filter((response) => response.status === 200)
    assert.equal(winners.length, 1)
    for (const loser of responses.filter((response) => response.status !== 200)) {
      assert.equal(await errorOf(loser), '400 invalid_grant')
    }
    const [winner] = winners
    assert.ok(winner)
    assert.ok(await isAlive(house, await readTokens(winner)), 'losing a race is not a replay')
  }
})

test('A17: a code is good for its lifetime and no longer', async (t) => {
  const { house, app } = await open(t)
  const code = await obtainCode(house.url, app, email, scope)
  // The engine reads its own clock: the code is aged where it is kept.
  await house.database.knex.raw(
    `update authorization_codes set payload = jsonb_set(payload, '{exp}', to_jsonb(extract(epoch from now())::int - 1))`,
  )
  assert.equal(await errorOf(await exchange(house.url, app, code)), '400 invalid_grant')
})

test('a code whose grant is revoked meanwhile mints nothing', async (t) => {
  const { house, app } = await open(t)
  const code = await obtainCode(house.url, app, email, scope)
  await house.database.knex('grants').delete()
  assert.equal(await errorOf(await exchange(house.url, app, code)), '400 invalid_grant')
  assert.deepEqual(await house.database.knex('credentials'), [])
})

test('a database that fails in the middle of an exchange costs the code nothing', async (t) => {
  const { house, app } = await open(t)
  const code = await obtainCode(house.url, app, email, scope)
  const { knex } = house.database
  await house.asOwner('alter table refresh_tokens add constraint broken check (false) not valid')
  const broken = await exchange(house.url, app, code)
  assert.equal(broken.status, 500)
  assert.doesNotMatch(await broken.text(), /constraint|refresh_tokens/)
  assert.deepEqual(await knex('credentials'), [])
  await house.asOwner('alter table refresh_tokens drop constraint broken')
  assert.ok(await isAlive(house, await readTokens(await exchange(house.url, app, code))))
})
