// Refreshes of many families at once: they go to the database together, and each is in for itself.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '../../src/apps/app.ts'
import type { ClientId, GrantId } from '../../src/core/ids.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { sha256 } from '../../src/lib/digest.ts'
import { addSeconds } from '../../src/lib/time.ts'
import { insertGrant } from '../../src/oauth/grant-store.ts'
import { createRefreshTokens } from '../../src/oauth/refresh-tokens.ts'
import { errorOf, readTokens, refresh, type Tokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'

const scopes = ['read:bookings', 'read:customers']

interface Family {
  readonly grant: GrantId
  readonly refreshToken: string
}

/** Authorizations that have a refresh token each, as if people had been asked. */
async function found(t: TestContext, count: number) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const person = await house.person('ann@acme.example', organization)
  const app = await house.app(organization, { refreshGraceSeconds: 60, scopes })
  const format = createFormat(house.profile.credentials.prefixes)
  const families: Family[] = []
  for (let index = 0; index < count; index += 1) {
    const grant: GrantId = `grant_${String(index).padStart(24, '0')}`
    const refreshToken = format.write('refresh_token', 'live').reveal()
    const times = { createdAt: house.now(), expiresAt: addSeconds(house.now(), 3600) }
    const resource = `${house.url}${house.profile.basePath}`
    const whose = { client: app.clientId, person, organization: organization.id }
    await insertGrant(house.database.knex, { id: grant, ...whose, mode: 'live', scopes, resource, ...times })
    await house.database
      .knex('refresh_tokens')
      .insert({ hash: sha256(refreshToken), grant_id: grant, scopes, expires_at: times.expiresAt })
    families.push({ grant, refreshToken })
  }
  return { house, app, families }
}

const isAlive = async (house: House, { access_token: token }: Tokens) =>
  (await house.api('/me', token)).status === 200

async function refreshAll(house: House, app: App, families: readonly Family[]) {
  return await Promise.all(families.map(({ refreshToken }) => refresh(house.url, app, refreshToken)))
}

/** What `createRefreshTokens` is asked to write for a family, made up but for what the statement looks at. */
async function rotationsOf(house: House, families: readonly Family[]) {
  const tokens = createRefreshTokens(house.database)
  const format = createFormat(house.profile.credentials.prefixes)
  const minted = (kind: 'access_token' | 'refresh_token') => ({
    hash: sha256(format.write(kind, 'live').reveal()),
    scopes,
    expiresAt: addSeconds(house.now(), 600),
  })
  const wanted = await Promise.all(
    families.map(async ({ refreshToken }) => {
      const token = await tokens.find({ hash: sha256(refreshToken), elapsedMs: () => 0 })
      assert.ok(token)
      const pair = { access: minted('access_token'), refresh: minted('refresh_token') }
      const rotation = { sealedAnswer: Buffer.from('sealed'), ...pair, thumbprint: null }
      return { token, rotation, origin: { address: '192.0.2.1', requestId: null, client: 'test' } }
    }),
  )
  return { tokens, wanted }
}

/** Counts the statements of each name, and how many tokens each of them was for. */
function watch(house: House) {
  const sizes: Record<string, number[]> = {}
  const { run } = house.database
  Object.assign(house.database, {
    run: (...[statement, values]: Parameters<typeof run>) => {
      const [first] = typeof values === 'function' ? values() : values
      sizes[statement.name] = [...(sizes[statement.name] ?? []), Array.isArray(first) ? first.length : 1]
      return run(statement, values)
    },
  })
  return sizes
}

async function counts(house: House) {
  const [row] = await house.asOwner<{
    retired: number
    current: number
    credentials: number
    events: number
  }>(
    `select (select count(*)::int from refresh_tokens where retired_at is not null) as retired,
       (select count(*)::int from refresh_tokens where retired_at is null) as current,
       (select count(*)::int from credentials where kind = 'access_token') as credentials,
       (select count(*)::int from audit_events where action = 'token.refreshed') as events`,
  )
  return row
}

test('many families that refresh at once get their own pair each, and one event', async (t) => {
  const { house, app, families } = await found(t, 30)
  const answers = await Promise.all((await refreshAll(house, app, families)).map(readTokens))
  assert.equal(new Set(answers.flatMap((it) => [it.access_token, it.refresh_token])).size, 60)
  assert.deepEqual(await counts(house), { retired: 30, current: 30, credentials: 30, events: 30 })
  const owners = await house.asOwner<{ grant_id: string }>(
    `select grant_id from credentials c join refresh_tokens r using (grant_id) join audit_events on target = grant_id
     where retired_at is null and generation = 1 and c.scopes = r.scopes and action = 'token.refreshed'`,
  )
  assert.equal(owners.length, 30, 'access token, refresh token and event are of one grant')
  for (const answer of answers.slice(0, 3)) assert.ok(await isAlive(house, answer))
  const again = await Promise.all((await refreshAll(house, app, families)).map(readTokens))
  assert.deepEqual(again, answers, 'each its own answer again')
})

test('in one statement: a revoked, a stopped and a narrowed grant change nothing for their neighbours', async (t) => {
  const { house, families } = await found(t, 6)
  const { tokens, wanted } = await rotationsOf(house, families)
  const [revoked, stopped, narrowed] = families
  await house.asOwner('delete from grants where id = $1', [revoked?.grant])
  await house.asOwner('update grants set is_stopped = true where id = $1', [stopped?.grant])
  await house.asOwner(`update grants set scopes = '{read:bookings}' where id = $1`, [narrowed?.grant])
  const sizes = watch(house)
  const done = await Promise.all(wanted.map(tokens.rotate))
  assert.deepEqual(done, [false, false, true, true, true, true])
  assert.deepEqual(sizes, { 'rotate-refresh-tokens': [6], 'rotate-refresh-token': [1, 1] })
  assert.deepEqual(await counts(house), { retired: 4, current: 5, credentials: 4, events: 4 })
  const minted = await house.asOwner<{ scopes: string[] }>('select scopes from credentials order by grant_id')
  assert.deepEqual(
    minted.map((row) => row.scopes),
    [['read:bookings'], scopes, scopes, scopes],
    'a scope that was taken meanwhile is not minted',
  )
})

test('of fifty who rotate one token at once exactly one is told that it did', async (t) => {
  const { house, families } = await found(t, 1)
  const { tokens, wanted } = await rotationsOf(house, families)
  const [one] = wanted
  assert.ok(one)
  // As many nodes: each gathers for itself.
  const nodes = [tokens, createRefreshTokens(house.database), createRefreshTokens(house.database)]
  const all = Array.from({ length: 50 }, (_, index) => nodes[index % nodes.length]?.rotate(one))
  assert.equal((await Promise.all(all)).filter(Boolean).length, 1)
  assert.deepEqual(await counts(house), { retired: 1, current: 1, credentials: 1, events: 1 })
})

test('one that the database refuses does not fail its neighbours', async (t) => {
  const { house, families } = await found(t, 4)
  const { tokens, wanted } = await rotationsOf(house, families)
  await house.asOwner(
    `alter table credentials add constraint picky check (grant_id <> '${families[1]?.grant}')`,
  )
  const results = await Promise.allSettled(wanted.map(tokens.rotate))
  assert.deepEqual(
    results.map((it) => (it.status === 'fulfilled' ? it.value : String(it.reason.constraint))),
    [true, 'picky', true, true],
  )
  assert.deepEqual(await counts(house), { retired: 3, current: 4, credentials: 3, events: 3 })
})

test('a grant that is being revoked holds up nobody but its own refresh, which then gets nothing', async (t) => {
  const { house, app, families } = await found(t, 12)
  const [first, ...others] = families
  assert.ok(first)
  const late = await meanwhile(
    house,
    (tx) => tx('grants').where({ id: first.grant }).delete(),
    () => refresh(house.url, app, first.refreshToken),
    async () => {
      for (const answer of await refreshAll(house, app, others)) await readTokens(answer)
    },
  )
  assert.equal(await errorOf(late), '400 invalid_grant')
  assert.deepEqual(await counts(house), { retired: 11, current: 11, credentials: 11, events: 11 })
})

test('more locked grants than there are connections leave some for those that are not', async (t) => {
  const { house, app, families } = await found(t, 16)
  const locked = families.slice(0, 15)
  const free = families.slice(15)
  const ids = locked.map(({ grant }) => grant)
  const late = await meanwhile(
    house,
    (tx) => tx('grants').whereIn('id', ids).forUpdate(),
    () => refreshAll(house, app, locked),
    async () => {
      for (const answer of await refreshAll(house, app, free)) await readTokens(answer)
    },
  )
  for (const answer of late) await readTokens(answer)
  assert.deepEqual(await counts(house), { retired: 16, current: 16, credentials: 16, events: 16 })
})

test('refreshes and revocations of the same grants, in every order, end without a deadlock', async (t) => {
  const { house, app, families } = await found(t, 20)
  const ids = families.map(({ grant }) => grant)
  const client: ClientId = app.clientId
  const [answers] = await Promise.all([
    refreshAll(house, app, families),
    house.database.knex.transaction(async (tx) => {
      await tx('grants')
        .where({ client_id: client })
        .whereIn('id', ids.slice(0, 10))
        .orderBy('id')
        .forUpdate()
      await sleep(20)
      await tx('grants').whereIn('id', ids.slice(0, 10)).delete()
    }),
    house.database.knex('grants').whereIn('id', ids.slice(15).reverse()).delete(),
  ])
  for (const answer of answers) assert.ok([200, 400].includes(answer.status), String(answer.status))
  for (const answer of answers.slice(10, 15)) assert.equal(answer.status, 200)
  const left = await house.asOwner('select 1 from grants')
  assert.equal(left.length, 5)
})
