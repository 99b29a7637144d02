// Suspending an organization or a platform: everything below stops at once, nothing is lost, and it can be undone.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { revokeKey } from '../../src/keys/change-key.ts'
import { rotateKey } from '../../src/keys/rotate-key.ts'
import { resumeOrganization, suspendOrganization } from '../../src/offboarding/suspend-organization.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import {
  authorizationUrl,
  errorOf,
  exchange,
  obtainCode,
  obtainTokens,
  reachConsent,
  readTokens,
  refresh,
  type Tokens,
} from '../support/authorization.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const scope = 'read:bookings'
const by = byServer
const ann = 'ann@acme.example'

const statusOf = async (house: House, secret: string) => (await house.api('/me', secret)).status

async function count(house: House, table: string, where: string, id: string): Promise<number> {
  const sql = `select count(*)::int as n from ${table} where ${where} = $1`
  const [row] = await queryDatabase<{ n: number }>(house.databaseUrl, sql, [id])
  return row?.n ?? -1
}

async function acme(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(ann, organization)
  const db = house.database.knex
  const request = { organization: organization.id, by }
  return {
    house,
    organization,
    db,
    suspend: () => suspendOrganization(db, request, new Date()),
    resume: () => resumeOrganization(db, request, new Date()),
  }
}

const ledgerOf = async (house: House, organization: Organization) =>
  (
    await queryDatabase<{ action: string }>(
      house.databaseUrl,
      'select action from audit_events where organization_id = $1 order by id',
      [organization.id],
    )
  ).map(({ action }) => action)

test('suspending an organization stops its keys, tokens and apps at once; resuming puts back the same keys and refresh tokens', async (t) => {
  const { house, organization, db, suspend, resume } = await acme(t)
  const other = await house.organization('Other')
  await house.person('otto@other.example', other)
  const app = await house.app(organization)
  const foreign = await house.app(other)
  const reach = { organization: organization.id, mode: 'any' } as const
  const key = await house.key(organization, 'test', [scope])
  const expiring = await house.key(organization, 'live', [scope], new Date(Date.now() + 60_000))
  const revoked = await house.key(organization, 'test', [scope])
  await revokeKey(db, { reach, id: revoked.key.id, by, now: new Date() })
  const others = await house.key(other, 'test', [scope])
  const own = await obtainTokens(house.url, app, ann, scope)
  let atForeign = await obtainTokens(house.url, foreign, ann, scope)
  // Of an app of the suspended organization, for another organization: the app is what stops.
  const byOtto = await obtainTokens(house.url, app, 'otto@other.example', scope)
  const { refresh_token: retired } = atForeign
  atForeign = await readTokens(await refresh(house.url, foreign, retired))
  const ottos = await obtainTokens(house.url, foreign, 'otto@other.example', scope)

  assert.equal(await suspend(), true)
  assert.equal(await suspend(), false, 'twice is as once')
  for (const secret of [key.secret, expiring.secret, revoked.secret])
    assert.equal(await statusOf(house, secret), 401)
  for (const tokens of [own, atForeign, byOtto]) assert.equal(await statusOf(house, tokens.access_token), 401)
  for (const secret of [others.secret, ottos.access_token]) assert.equal(await statusOf(house, secret), 200)
  await assert.rejects(house.key(organization, 'test', [scope]), { code: 'organization_suspended' })
  await assert.rejects(house.app(organization), { code: 'organization_suspended' })
  // An answer by which no client throws its token away.
  for (const [client, tokens] of [
    [app, own],
    [foreign, atForeign],
    [app, byOtto],
  ] as const)
    assert.equal(
      await errorOf(await refresh(house.url, client, tokens.refresh_token)),
      '503 temporarily_unavailable',
    )

  // Neither the answer that it gave before, whose token is dead, nor the end of its family.
  assert.equal(await errorOf(await refresh(house.url, foreign, retired)), '503 temporarily_unavailable')

  house.travel(61)
  assert.equal(
    await resumeOrganization(db, { organization: organization.id, by }, new Date(Date.now() + 61_000)),
    true,
  )
  assert.equal(await resume(), false)
  assert.equal(await statusOf(house, key.secret), 200, 'the same secret')
  for (const secret of [expiring.secret, revoked.secret])
    assert.equal(await statusOf(house, secret), 401, 'what ended meanwhile stays so')
  for (const [client, tokens] of [
    [app, own],
    [foreign, atForeign],
    [app, byOtto],
  ] as const) {
    assert.equal(await statusOf(house, tokens.access_token), 401, 'access tokens are gone')
    const fresh = await readTokens(await refresh(house.url, client, tokens.refresh_token))
    assert.equal(await statusOf(house, fresh.access_token), 200)
  }
  const told = (await ledgerOf(house, organization)).filter((action) => action.startsWith('organization.'))
  assert.deepEqual(told, ['organization.created', 'organization.suspended', 'organization.resumed'])
})

test('a code that comes while its organization is suspended mints nothing, and a person is told that the app is suspended', async (t) => {
  const { house, organization, suspend, resume } = await acme(t)
  const other = await house.organization('Other')
  const foreign = await house.app(other)
  const app = await house.app(organization)
  const code = await obtainCode(house.url, foreign, ann, scope)
  const browser = new PersonBrowser(house.url)
  const consent = await reachConsent(browser, authorizationUrl(house.url, app.clientId, scope), ann)
  await suspend()
  assert.equal(await errorOf(await exchange(house.url, foreign, code)), '400 invalid_grant')
  const refused = await browser.submit(consent, { organization: organization.id, decision: 'allow' })
  assert.equal(refused.status, 403)
  assert.match(refused.html, /This app is suspended at the moment/)
  const opened = await browser.open(authorizationUrl(house.url, app.clientId, scope).url)
  assert.equal(opened.status, 503)
  assert.match(opened.html, /This app is suspended at the moment/)
  assert.equal(await count(house, 'credentials', 'organization_id', organization.id), 0)
  await resume()
  await obtainTokens(house.url, app, ann, scope)
})

test('consent that is given while the makers of the app are being suspended makes no grant', async (t) => {
  const { house, organization } = await acme(t)
  const maker = await house.organization('Maker')
  const app = await house.app(maker)
  const browser = new PersonBrowser(house.url)
  const consent = await reachConsent(browser, authorizationUrl(house.url, app.clientId, scope), ann)
  const page = await meanwhile(
    house,
    (tx) => suspendOrganization(tx, { organization: maker.id, by }, new Date()),
    () => browser.submit(consent, { organization: organization.id, decision: 'allow' }),
  )
  assert.equal(page.status, 403)
  assert.equal(await count(house, 'grants', 'client_id', app.clientId), 0)
})

test('of what an app holds that two suspensions stop, the one that ends last puts it back', async (t) => {
  const { house, organization, db } = await acme(t)
  const maker = await house.organization('Maker')
  const app = await house.app(maker)
  let tokens = await obtainTokens(house.url, app, ann, scope)
  const both = [organization, maker].map(({ id }) => ({ organization: id, by }))
  for (let round = 0; round < 8; round += 1) {
    await Promise.all(both.map((request) => suspendOrganization(db, request, new Date())))
    assert.equal(await statusOf(house, tokens.access_token), 401)
    await Promise.all(both.map((request) => resumeOrganization(db, request, new Date())))
    tokens = await readTokens(await refresh(house.url, app, tokens.refresh_token))
    assert.equal(await statusOf(house, tokens.access_token), 200)
  }
})

test('no credential slips past a suspension that comes at the same time as keys, refreshes and exchanges', async (t) => {
  const { house, organization, db, suspend, resume } = await acme(t)
  const maker = await house.organization('Maker')
  const apps = [await house.app(organization), await house.app(maker)]
  const format = createFormat(house.profile.credentials.prefixes)
  let keys = [await house.key(organization, 'test', [scope])]
  let families: (readonly [(typeof apps)[number], Tokens])[] = []
  for (let index = 0; index < 6; index += 1) {
    const app = apps[index % 2]
    assert.ok(app)
    families.push([app, await obtainTokens(house.url, app, ann, scope)])
  }
  for (let round = 0; round < 6; round += 1) {
    const codes = await Promise.all(
      apps.map(async (app) => [app, await obtainCode(house.url, app, ann, scope)] as const),
    )
    const [first] = keys
    assert.ok(first)
    const reach = { organization: organization.id, mode: 'any' } as const
    const rotation = rotateKey(db, format, { reach, id: first.key.id, by, now: new Date() }, 60).catch(
      () => null,
    )
    const created = Array.from({ length: 12 }, () =>
      house.key(organization, 'test', [scope]).catch(() => null),
    )
    const refreshed = families.map(async ([app, tokens]) => {
      const response = await refresh(house.url, app, tokens.refresh_token)
      if (response.status === 200) return [app, await readTokens(response)] as const
      assert.equal(await errorOf(response), '503 temporarily_unavailable')
      return [app, tokens] as const
    })
    const exchanged = codes.map(async ([app, code]) => {
      const response = await exchange(house.url, app, code)
      return response.status === 200 ? ([app, await readTokens(response)] as const) : null
    })
    await new Promise((resolve) => setTimeout(resolve, round * 5))
    await suspend()
    assert.equal(await count(house, 'credentials', 'organization_id', organization.id), 0, 'at the commit')
    const made = (await Promise.all(created)).filter((it) => it !== null)
    families = await Promise.all(refreshed)
    families.push(...(await Promise.all(exchanged)).filter((it) => it !== null))
    const rotated = await rotation
    assert.equal(
      await count(house, 'credentials', 'organization_id', organization.id),
      0,
      'and after all of it',
    )

    await resume()
    for (const { secret } of [...keys, ...made]) assert.equal(await statusOf(house, secret), 200)
    if (rotated) assert.equal(await statusOf(house, rotated.secret.reveal()), 200)
    families = await Promise.all(
      families.map(async ([app, { refresh_token: held }]) => {
        const fresh = await readTokens(await refresh(house.url, app, held))
        assert.equal(await statusOf(house, fresh.access_token), 200)
        return [app, fresh] as const
      }),
    )
    keys = made.length > 0 ? made.slice(0, 1) : [await house.key(organization, 'test', [scope])]
  }
})

test('a key that is revoked while its organization is resumed stays revoked', async (t) => {
  const { house, organization, db, suspend, resume } = await acme(t)
  const reach = { organization: organization.id, mode: 'any' } as const
  for (let round = 0; round < 10; round += 1) {
    const keys = await Promise.all(Array.from({ length: 6 }, () => house.key(organization, 'test', [scope])))
    await suspend()
    await Promise.all([
      resume(),
      ...keys.map(({ key }) => revokeKey(db, { reach, id: key.id, by, now: new Date() })),
    ])
    assert.equal(await count(house, 'credentials', 'organization_id', organization.id), 0)
  }
})
