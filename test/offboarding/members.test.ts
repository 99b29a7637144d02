// What ends with a membership, a role, and with a person.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import type { Tx } from '../../src/db/connect.ts'
import { changeRole } from '../../src/offboarding/change-role.ts'
import { disablePerson, enablePerson } from '../../src/offboarding/disable-person.ts'
import { removeMember } from '../../src/offboarding/remove-member.ts'
import { inviteMember } from '../../src/operators/invite.ts'
import { findPersonByEmail } from '../../src/operators/person-store.ts'
import { insertMembership, type Role } from '../../src/organizations/membership-store.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import {
  authorizationUrl,
  errorOf,
  exchange,
  obtainCode,
  obtainTokens,
  reachConsent,
  refresh,
} from '../support/authorization.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const by = byServer
const scope = 'read:bookings'

async function idOf(house: House, email: string) {
  const person = await findPersonByEmail(house.database.knex, email)
  assert.ok(person, email)
  return person.id
}

async function signedIn(house: House, email: string): Promise<PersonBrowser> {
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  assert.equal(await isSignedIn(browser), true, `${email} is signed in`)
  return browser
}

const isSignedIn = async (browser: PersonBrowser) =>
  !(await browser.open('/admin/settings/api-keys')).url.includes('/sign-in')

const rolesOf = async (house: House, organization: Organization) =>
  (
    await queryDatabase<{ email: string; role: Role }>(
      house.databaseUrl,
      `select p.email, m.role from memberships m join persons p on p.id = m.person_id
       where m.organization_id = $1 order by p.email`,
      [organization.id],
    )
  ).map(({ email, role }) => `${email} ${role}`)

const ledgerOf = (house: House, organization: Organization) =>
  queryDatabase<{ action: string; target: string; details: Record<string, unknown> }>(
    house.databaseUrl,
    'select action, target, details from audit_events where organization_id = $1 order by id',
    [organization.id],
  )

async function acme(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  await house.person('ben@acme.example', organization)
  return { house, organization, db: house.database.knex, ben: await idOf(house, 'ben@acme.example') }
}

test("removing a person ends their sessions and grants at once, and never an organization's keys", async (t) => {
  const { house, organization, db, ben } = await acme(t)
  const other = await house.organization('Other')
  await insertMembership(db, other.id, ben, 'ADMIN')
  const app = await house.app(organization)
  const key = await house.key(organization, 'test', [scope])
  const hers = await obtainTokens(house.url, app, 'ann@acme.example', scope)
  const his = await obtainTokens(house.url, app, 'ben@acme.example', scope)
  const code = await obtainCode(house.url, app, 'ben@acme.example', scope)
  const [anns, bens] = [await signedIn(house, 'ann@acme.example'), await signedIn(house, 'ben@acme.example')]

  await removeMember(db, { organization: organization.id, person: ben, by })

  assert.equal((await house.api('/me', his.access_token)).status, 401)
  assert.equal(await errorOf(await refresh(house.url, app, his.refresh_token)), '400 invalid_grant')
  assert.equal(await errorOf(await exchange(house.url, app, code)), '400 invalid_grant')
  assert.equal(await isSignedIn(bens), false)
  assert.deepEqual(
    await queryDatabase(house.databaseUrl, 'select 1 from oauth_sessions where person_id = $1', [ben]),
    [],
  )
  assert.equal((await house.api('/me', key.secret)).status, 200)
  assert.equal((await house.api('/me', hers.access_token)).status, 200)
  assert.equal(await isSignedIn(anns), true)
  assert.deepEqual(await rolesOf(house, organization), ['ann@acme.example ADMIN'])
  assert.deepEqual(await rolesOf(house, other), ['ben@acme.example ADMIN'], 'another membership stays')
  const told = (await ledgerOf(house, organization)).slice(-3)
  assert.deepEqual(
    told.map(({ action }) => action),
    ['grant.revoked', 'grant.revoked', 'member.removed'],
  )
  assert.equal(told[2]?.target, ben)
})

test('the last administrator can be neither removed nor demoted; of two who remove each other at once one stays', async (t) => {
  const { house, organization, db, ben } = await acme(t)
  const ann = await idOf(house, 'ann@acme.example')
  for (const end of [
    (person: typeof ann) => removeMember(db, { organization: organization.id, person, by }),
    (person: typeof ann) => changeRole(db, { organization: organization.id, person, role: 'MEMBER', by }),
  ]) {
    for (let round = 0; round < 10; round += 1) {
      const outcomes = await Promise.allSettled([end(ann), end(ben)])
      assert.deepEqual(
        outcomes.map(({ status }) => status).sort(),
        ['fulfilled', 'rejected'],
        JSON.stringify(outcomes),
      )
      const refused = outcomes.find((it) => it.status === 'rejected')
      assert.equal(refused?.reason.code, 'member_conflict')
      const left = await rolesOf(house, organization)
      assert.equal(left.filter((line) => line.endsWith('ADMIN')).length, 1)
      for (const person of [ann, ben]) {
        await insertMembership(db, organization.id, person, 'ADMIN')
        await changeRole(db, { organization: organization.id, person, role: 'ADMIN', by })
      }
    }
  }
})

test('an administrator who is demoted meanwhile changes and removes nobody', async (t) => {
  const { house, organization, db, ben } = await acme(t)
  await house.person('cat@acme.example', organization)
  const cat = await idOf(house, 'cat@acme.example')
  const byBen = { actor: { kind: 'person', id: ben }, address: null, requestId: null } as const
  const request = { organization: organization.id, person: cat, by: byBen } as const
  for (const act of [() => removeMember(db, request), () => changeRole(db, { ...request, role: 'MEMBER' })]) {
    const outcome = await meanwhile(
      house,
      (tx) => changeRole(tx, { organization: organization.id, person: ben, role: 'MEMBER', by }),
      () =>
        act().then(
          () => 'done',
          (thrown: { code: string }) => thrown.code,
        ),
    )
    assert.equal(outcome, 'not_allowed')
    await changeRole(db, { organization: organization.id, person: ben, role: 'ADMIN', by })
  }
  assert.ok((await rolesOf(house, organization)).includes('cat@acme.example ADMIN'))
})

test('an administrator who becomes a member loses what they let apps do for the organization, and stays signed in', async (t) => {
  const { house, organization, db, ben } = await acme(t)
  const app = await house.app(organization)
  const tokens = await obtainTokens(house.url, app, 'ben@acme.example', scope)
  const browser = await signedIn(house, 'ben@acme.example')
  const request = { organization: organization.id, person: ben, by } as const
  await changeRole(db, { ...request, role: 'ADMIN' })
  assert.equal((await house.api('/me', tokens.access_token)).status, 200, 'the role that he has')
  await changeRole(db, { ...request, role: 'MEMBER' })
  assert.equal((await house.api('/me', tokens.access_token)).status, 401)
  assert.equal(await isSignedIn(browser), true)
  const roleChanges = (await ledgerOf(house, organization)).filter(
    ({ action }) => action === 'member.role_changed',
  )
  assert.deepEqual(
    roleChanges.map(({ details }) => details),
    [{ from: 'ADMIN', to: 'MEMBER', grants_revoked: 1, invitations_cancelled: 0 }],
  )
})

test('somebody who is no member can be neither removed nor given a role', async (t) => {
  const { house, db, ben } = await acme(t)
  const { id: organization } = await house.organization('Other')
  const notFound = { code: 'resource_not_found' }
  await assert.rejects(removeMember(db, { organization, person: ben, by }), notFound)
  await assert.rejects(changeRole(db, { organization, person: ben, role: 'ADMIN', by }), notFound)
})

test('disabling a person ends everything of theirs but keys; enabling gives back sign-in alone', async (t) => {
  const { house, organization, db, ben } = await acme(t)
  const app = await house.app(organization)
  const key = await house.key(organization, 'test', [scope])
  const tokens = await obtainTokens(house.url, app, 'ben@acme.example', scope)
  const browser = await signedIn(house, 'ben@acme.example')
  const other = await house.organization('Other')
  await insertMembership(db, other.id, ben, 'MEMBER')

  assert.equal(await disablePerson(db, { person: ben, by }, new Date()), true)
  const toldElsewhere = (await ledgerOf(house, other)).at(-1)
  assert.deepEqual(
    [toldElsewhere?.action, toldElsewhere?.details],
    ['person.disabled', {}],
    'U13 one organization is not told how many grants ended in another',
  )
  assert.equal(await disablePerson(db, { person: ben, by }, new Date()), false, 'twice is as once')
  assert.equal((await house.api('/me', tokens.access_token)).status, 401)
  assert.equal(await isSignedIn(browser), false)
  const again = new PersonBrowser(house.url)
  await again.signIn(await again.open('/sign-in'), 'ben@acme.example')
  assert.equal(await isSignedIn(again), false)
  assert.equal((await house.api('/me', key.secret)).status, 200)

  assert.equal(await enablePerson(db, { person: ben, by }), true)
  assert.equal(await isSignedIn(browser), false, 'the old session stays over')
  assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '400 invalid_grant')
  await signedIn(house, 'ben@acme.example')
  const told = (await ledgerOf(house, organization)).map(({ action }) => action)
  assert.equal(told.filter((action) => action === 'person.disabled').length, 1)
  assert.equal(told.filter((action) => action === 'person.enabled').length, 1)
})

test('consent that is given while the person is being removed, demoted or disabled makes no grant', async (t) => {
  const { house, organization, db, ben } = await acme(t)
  const app = await house.app(organization)
  const request = { organization: organization.id, person: ben, by }
  const ends = {
    removed: (tx: Tx) => removeMember(tx, request),
    demoted: (tx: Tx) => changeRole(tx, { ...request, role: 'MEMBER' }),
    disabled: (tx: Tx) => disablePerson(tx, request, new Date()),
  }
  for (const [how, end] of Object.entries(ends)) {
    const browser = new PersonBrowser(house.url)
    const asked = authorizationUrl(house.url, app.clientId, scope)
    const consent = await reachConsent(browser, asked, 'ben@acme.example')
    const page = await meanwhile(house, end, () =>
      browser.submit(consent, { organization: organization.id, decision: 'allow' }),
    )
    assert.equal(page.status, 403, how)
    const grants = await queryDatabase(house.databaseUrl, 'select 1 from grants where person_id = $1', [ben])
    assert.deepEqual(grants, [], how)
    await insertMembership(db, organization.id, ben, 'ADMIN')
    await changeRole(db, { ...request, role: 'ADMIN' })
  }
})

test('who is removed, demoted or disabled has no way back by an invitation that they made', async (t) => {
  const { house, organization, db, ben } = await acme(t)
  const request = { organization: organization.id, person: ben, by }
  const inviter = { actor: { kind: 'person', id: ben }, address: null, requestId: null } as const
  const ends = {
    demoted: () => changeRole(db, { ...request, role: 'MEMBER' }),
    disabled: () => disablePerson(db, request, new Date()),
    removed: () => removeMember(db, request),
  }
  const others = { organization: organization.id, email: 'cy@acme.example', role: 'MEMBER', by } as const
  const { token: kept } = await inviteMember(db, others, new Date())
  for (const [how, end] of Object.entries(ends)) {
    await changeRole(db, { ...request, role: 'ADMIN' })
    const wanted = { ...others, email: `${how}@evil.example`, role: 'ADMIN', by: inviter } as const
    const { invitation, token } = await inviteMember(db, wanted, new Date())
    await end()
    const page = await new PersonBrowser(house.url).open(`/invitation?token=${token.reveal()}`)
    assert.equal(page.status, 410, how)
    const told = await db('audit_events').where({ target: invitation.id }).orderBy('id').select('action')
    assert.deepEqual(
      told.map(({ action }) => action),
      ['member.invited', 'member.invitation_cancelled'],
    )
  }
  const page = await new PersonBrowser(house.url).open(`/invitation?token=${kept.reveal()}`)
  assert.equal(page.status, 200, "another's invitation stays good")
})

test('no authorization slips past a removal or a disabling that comes at the same time', async (t) => {
  const { house, organization, db, ben } = await acme(t)
  const app = await house.app(organization)
  const end = {
    removed: () => removeMember(db, { organization: organization.id, person: ben, by }),
    disabled: () => disablePerson(db, { person: ben, by }, new Date()),
  }
  for (const [how, run] of Object.entries(end)) {
    const codes = await Promise.all(
      Array.from({ length: 4 }, () => obtainCode(house.url, app, 'ben@acme.example', scope)),
    )
    const tries = codes.map((code) => exchange(house.url, app, code))
    const late = Array.from({ length: 4 }, () =>
      obtainCode(house.url, app, 'ben@acme.example', scope).catch(() => null),
    )
    await run()
    await Promise.all([...tries, ...late])
    for (const table of ['grants', 'credentials']) {
      const left = await queryDatabase(house.databaseUrl, `select 1 from ${table} where person_id = $1`, [
        ben,
      ])
      assert.deepEqual(left, [], `${table} of a person who was ${how}`)
    }
    await insertMembership(db, organization.id, ben, 'ADMIN')
  }
})
