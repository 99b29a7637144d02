// Provisioning, as a platform's backend calls it: an organization, its people and its key, all or nothing.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { isKeyId, isOrganizationId } from '../../src/core/ids.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { deactivateKey, revokeKey } from '../../src/keys/change-key.ts'
import { rotateKey } from '../../src/keys/rotate-key.ts'
import { suspendOrganization } from '../../src/offboarding/suspend-organization.ts'
import { obtainTokens } from '../support/authorization.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { lastLink } from '../support/invitations.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import {
  createPartner,
  customer,
  type Partner,
  post,
  provision,
  refusalOf,
  rotatePartnerKey,
} from '../support/platform.ts'

const by = byServer

async function open(t: TestContext): Promise<{ house: House; partner: Partner }> {
  const house = await startHouse(t)
  return { house, partner: await createPartner(house) }
}

const meOf = async (house: House, secret: string) => {
  const response = await house.api('/me', secret)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const peopleOf = (house: House, organization: string) =>
  queryDatabase<{ email: string }>(
    house.databaseUrl,
    `select p.email, p.name, m.role, m.external_id, p.password_hash is not null as has_password
     from memberships m join persons p on p.id = m.person_id where m.organization_id = $1 order by lower(p.email)`,
    [organization],
  )

/** How many rows there are of what a call may make. */
async function rowsOf(house: House) {
  const [row] = await queryDatabase<Record<string, number>>(
    house.databaseUrl,
    `select (select count(*)::int from organizations) as organizations,
            (select count(*)::int from api_keys) as keys,
            (select count(*)::int from credentials where kind = 'api_key') as credentials,
            (select count(*)::int from persons) as persons,
            (select count(*)::int from memberships) as memberships,
            (select count(*)::int from audit_events where organization_id is not null) as events`,
  )
  return row
}

const team = [
  { email: 'bob@acme.example', name: 'Bob', role: 'ADMIN' },
  { email: 'carol@acme.example', name: 'Carol', role: 'MEMBER' },
]

test('one call makes the organization, its people and a key that works at once', async (t) => {
  const { house, partner } = await open(t)
  const made = await provision(house, partner, {
    userName: 'Jane Admin',
    organizationName: 'Café Zwölf',
    teamMembers: team,
  })
  assert.match(made.apiKey, /^bz_live_[0-9A-Za-z]{36}$/)
  assert.ok(isKeyId(made.keyId) && isOrganizationId(made.organization.id))
  assert.deepEqual(
    { ...made, apiKey: '', keyId: '', organization: { ...made.organization, id: '' }, requestId: '' },
    {
      apiKey: '',
      keyId: '',
      organizationId: customer.organizationId,
      organization: { id: '', slug: 'cafe-zwolf', name: 'Café Zwölf' },
      created: true,
      mode: 'live',
      scopes: ['read:bookings', 'read:customers', 'write:bookings'],
      expiresAt: null,
      replaced: null,
      invited: [],
      requestId: '',
    },
  )
  const me = await meOf(house, made.apiKey)
  assert.equal(me.status, 200)
  assert.equal(me.body['organization_id'], made.organization.id)
  assert.equal(me.body['key_id'], made.keyId)
  assert.deepEqual(await peopleOf(house, made.organization.id), [
    {
      email: 'admin@acme.example',
      name: 'Jane Admin',
      role: 'ADMIN',
      external_id: '12345',
      has_password: false,
    },
    { email: 'bob@acme.example', name: 'Bob', role: 'ADMIN', external_id: null, has_password: false },
    { email: 'carol@acme.example', name: 'Carol', role: 'MEMBER', external_id: null, has_password: false },
  ])
})

test('everything that was made stands in the ledger of the organization, as done by the platform, without the secret', async (t) => {
  const { house, partner } = await open(t)
  const made = await provision(house, partner, { teamMembers: team })
  const events = await queryDatabase<{ action: string; by: string; request_id: string; text: string }>(
    house.databaseUrl,
    `select action, actor_kind || ' ' || actor_id as by, request_id, row_to_json(e)::text as text
     from audit_events e where organization_id = $1 order by id`,
    [made.organization.id],
  )
  const counts = new Map<string, number>()
  for (const { action } of events) counts.set(action, (counts.get(action) ?? 0) + 1)
  assert.deepEqual(Object.fromEntries(counts), {
    'organization.created': 1,
    'person.created': 3,
    'member.added': 3,
    'key.created': 1,
  })
  for (const event of events) {
    assert.equal(event.by, `platform ${partner.platform.id}`)
    assert.equal(event.request_id, made.requestId)
    assert.ok(!event.text.includes(made.apiKey) && !event.text.includes(partner.secret))
  }
  assert.ok(!house.log().includes(made.apiKey) && !house.log().includes(partner.secret))
})

test('an address in two cases of letters, or twice, is one person; the operator stays ADMIN', async (t) => {
  const { house, partner } = await open(t)
  const made = await provision(house, partner, {
    userName: null,
    teamMembers: [
      { email: 'Admin@ACME.example', role: 'MEMBER' },
      { email: 'carol@acme.example', name: '', role: 'MEMBER' },
      { email: 'Carol@acme.example', name: 'Carol', role: 'ADMIN' },
    ],
  })
  assert.deepEqual(await peopleOf(house, made.organization.id), [
    { email: 'admin@acme.example', name: null, role: 'ADMIN', external_id: '12345', has_password: false },
    { email: 'carol@acme.example', name: null, role: 'MEMBER', external_id: null, has_password: false },
  ])
  assert.deepEqual(made.invited, [])
})

test('U13: whoever is somebody already is invited, not joined, unless this platform brought them along before', async (t) => {
  const { house, partner } = await open(t)
  const elsewhere = await house.organization('Elsewhere')
  await house.person('Bob@Acme.example', elsewhere)
  const more = { teamMembers: [{ email: 'BOB@acme.example', name: 'Robert', role: 'MEMBER' }] }
  const made = await provision(house, partner, more, 'connect-1')
  assert.deepEqual(made.invited, ['BOB@acme.example'])
  const people = await peopleOf(house, made.organization.id)
  assert.deepEqual(
    people.map(({ email }) => email),
    ['admin@acme.example'],
  )
  await house.settle()
  assert.equal(house.mails.length, 1)
  assert.match(house.mails[0]?.text ?? '', /Acme|org_7234567890/)
  assert.deepEqual(await provision(house, partner, more, 'connect-1'), made, 'the same answer again')
  await house.settle()
  assert.equal(house.mails.length, 1, 'and no second mail')

  // What Bob does elsewhere is not told to an organization that only named him.
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), 'bob@acme.example')
  const told = await house.database.knex('audit_events').where({ action: 'person.signed_in' })
  assert.deepEqual(
    told.map(({ organization_id }) => organization_id),
    [elsewhere.id],
  )
  assert.match((await browser.open(lastLink(house))).html, /Join/)

  const second = await provision(house, partner, {
    organizationId: 'another',
    userEmail: 'admin@acme.example',
  })
  const others = await peopleOf(house, second.organization.id)
  assert.deepEqual(
    others.map(({ email }) => email),
    ['admin@acme.example'],
    'their own operator, once more',
  )
  const rival = await createPartner(house, 'Rival')
  assert.deepEqual((await provision(house, rival)).invited, ['admin@acme.example'])
})

test('a slug that is taken gets a number; a name that makes none, or no name at all, gets one too', async (t) => {
  const { house, partner } = await open(t)
  const slugs: string[] = []
  for (const [index, organizationName] of ['Acme', 'ACME', 'acme!', '日本', '', null].entries()) {
    const made = await provision(house, partner, { organizationId: `customer ${index}`, organizationName })
    slugs.push(made.organization.slug)
  }
  assert.deepEqual(slugs, ['acme', 'acme-2', 'acme-3', 'organization', 'customer-4', 'customer-5'])
})

test('a second call for an organization is a 409 that names the key, whatever people it lists', async (t) => {
  const { house, partner } = await open(t)
  const made = await provision(house, partner)
  const before = await rowsOf(house)
  const refused = await refusalOf(await post(house, partner.secret, { ...customer, teamMembers: team }))
  assert.deepEqual(
    [refused.status, refused.code, refused.conflicts_with],
    [409, 'organization_key_exists', made.keyId],
  )
  assert.ok(refused.message.includes(made.keyId))
  assert.deepEqual(await rowsOf(house), before)
})

test('onExisting add makes another key beside the first; people come in with the first call alone', async (t) => {
  const { house, partner } = await open(t)
  const first = await provision(house, partner)
  const second = await provision(house, partner, {
    onExisting: 'add',
    teamMembers: team,
    name: 'Reports',
    scopes: ['read:bookings'],
    expiresInDays: 30,
  })
  assert.deepEqual(
    [second.created, second.organization, second.scopes],
    [false, first.organization, ['read:bookings']],
  )
  const days = (Date.parse(second.expiresAt ?? '') - Date.now()) / 86_400_000
  assert.ok(days > 29.9 && days <= 30)
  for (const { apiKey } of [first, second]) assert.equal((await meOf(house, apiKey)).status, 200)
  assert.equal((await peopleOf(house, first.organization.id)).length, 1)
})

test('onExisting rotate gives the new key the end and the name that were asked for', async (t) => {
  const house = await startHouse(t)
  const partner = await createPartner(house)
  await provision(house, partner)
  const { keyId, expiresAt } = await provision(house, partner, {
    onExisting: 'rotate',
    expiresInDays: 1,
    name: 'Next',
  })
  const days = (Date.parse(expiresAt ?? '') - house.now().getTime()) / 86_400_000
  assert.ok(days > 0.9 && days <= 1, `${expiresAt}`)
  const key = await house.database.knex('api_keys').where({ id: keyId }).first('name')
  assert.equal(key.name, 'Next')
  const after = await provision(house, partner, { onExisting: 'rotate' })
  assert.notEqual(after.expiresAt, null, 'and hands both on')
})

test('onExisting rotate puts a key in the place of the newest; the old one works to the end of the overlap', async (t) => {
  const { house, partner } = await open(t)
  const first = await provision(house, partner, { onExisting: 'rotate', scopes: ['read:bookings'] })
  assert.equal(first.replaced, null, 'there was none')
  const second = await provision(house, partner, { onExisting: 'rotate' })
  assert.equal(second.replaced?.keyId, first.keyId)
  assert.deepEqual(second.scopes, ['read:bookings'], 'scopes are for good')
  assert.equal((await meOf(house, first.apiKey)).status, 401, 'no overlap, unless it is asked for')
  const third = await provision(house, partner, { onExisting: 'rotate', overlapSeconds: 60 })
  assert.equal(third.replaced?.keyId, second.keyId)
  for (const { apiKey } of [second, third]) assert.equal((await meOf(house, apiKey)).status, 200)
  house.travel(61)
  assert.equal((await meOf(house, second.apiKey)).status, 401)
  assert.equal((await meOf(house, third.apiKey)).status, 200)
  const refused = await refusalOf(
    await post(house, partner.secret, { ...customer, onExisting: 'rotate', scopes: ['read:customers'] }),
  )
  assert.deepEqual([refused.status, refused.code, refused.param], [422, 'invalid_parameter', 'scopes'])
})

test('a new call is a 409 whatever became of the keys, and in either mode; add and rotate make one', async (t) => {
  const { house, partner } = await open(t)
  const live = await provision(house, partner)
  const wrongMode = await refusalOf(await post(house, partner.secret, { ...customer, mode: 'test' }))
  assert.deepEqual([wrongMode.code, wrongMode.conflicts_with], ['organization_key_exists', live.keyId])
  const sandbox = await provision(house, partner, { mode: 'test', onExisting: 'rotate' })
  assert.match(sandbox.apiKey, /^bz_test_/)
  assert.deepEqual(
    [sandbox.created, sandbox.replaced],
    [false, null],
    'there was none of that mode to rotate',
  )
  assert.ok(isKeyId(live.keyId) && isOrganizationId(live.organization.id))
  const reach = { organization: live.organization.id, mode: 'any' } as const
  const { knex } = house.database
  const format = createFormat(house.profile.credentials.prefixes)
  const request = { reach, id: live.keyId, by, now: new Date() }
  const { key: successor } = await rotateKey(knex, format, request, 0)
  const rotated = await refusalOf(await post(house, partner.secret, customer))
  assert.equal(rotated.conflicts_with, successor.id, 'who else rotated it does not matter')
  for (const end of [deactivateKey, revokeKey]) {
    await end(knex, { reach, id: successor.id, by, now: new Date() })
    assert.equal((await post(house, partner.secret, customer)).status, 409)
  }
  const again = await provision(house, partner, { onExisting: 'add' })
  assert.equal((await meOf(house, again.apiKey)).status, 200)
  assert.equal((await meOf(house, live.apiKey)).status, 401)
})

test('K11: a platform gives no more than its own list; each bad field is named, and nothing is half done', async (t) => {
  const house = await startHouse(t)
  const partner = await createPartner(house, 'TalentFlow', ['read:bookings', 'keys:read'])
  const before = await rowsOf(house)
  const bob = { email: 'bob@acme.example', role: 'MEMBER' }
  const bad: [object, string][] = [
    [{ scopes: ['read:bookings', 'read:minds'] }, 'scopes'],
    [{ scopes: [] }, 'scopes'],
    [{ userEmail: 'nobody' }, 'userEmail'],
    [{ userEmail: undefined }, 'userEmail'],
    [{ userId: '' }, 'userId'],
    [{ organizationId: 7 }, 'organizationId'],
    [{ organizationId: 'a\u0000b' }, 'organizationId'],
    [{ organizationName: 'Acme \u202e emcA' }, 'organizationName'],
    [{ organizationName: 'x'.repeat(201) }, 'organizationName'],
    [{ teamMembers: [{ ...bob, role: 'OWNER' }] }, 'teamMembers.0.role'],
    [{ teamMembers: [bob, { ...bob, email: 'bob at acme' }] }, 'teamMembers.1.email'],
    [{ mode: 'sandbox' }, 'mode'],
    [{ name: ' ' }, 'name'],
    [{ expiresInDays: 0 }, 'expiresInDays'],
    [{ onExisting: 'replace' }, 'onExisting'],
    [{ overlapSeconds: 604_801 }, 'overlapSeconds'],
  ]
  for (const [change, param] of bad) {
    const refused = await refusalOf(await post(house, partner.secret, { ...customer, ...change }))
    assert.deepEqual([refused.status, refused.code, refused.param], [422, 'invalid_parameter', param])
  }
  for (const key of ['a b', 'é', 'x'.repeat(256)]) {
    const refused = await refusalOf(await post(house, partner.secret, customer, key))
    assert.deepEqual([refused.status, refused.param], [422, 'Idempotency-Key'])
  }
  const tooMuch = await post(house, partner.secret, { ...customer, scopes: ['write:bookings'] })
  const refused = await refusalOf(tooMuch)
  assert.deepEqual([refused.status, refused.code, refused.param], [403, 'exceeds_creator', 'scopes'])
  assert.deepEqual(await rowsOf(house), before)
  const made = await provision(house, partner)
  assert.deepEqual(
    made.scopes,
    ['keys:read', 'read:bookings'],
    'without scopes: all that the platform may give',
  )
})

test('K11: a platform key opens provisioning alone; no key and no token of an organization opens it', async (t) => {
  const { house, partner } = await open(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const { secret: key } = await house.key(organization, 'live', Object.keys(house.profile.scopes))
  const app = await house.app(organization)
  const tokens = await obtainTokens(house.url, app, 'ann@acme.example', 'read:bookings')
  const before = await rowsOf(house)
  for (const credential of [key, tokens.access_token]) {
    const refused = await refusalOf(await post(house, credential, customer))
    assert.deepEqual([refused.status, refused.code], [403, 'wrong_credential_kind'])
  }
  assert.equal((await post(house, null, customer)).status, 401)
  for (const path of ['/me', '/bookings', '/customers', '/bookings/bk_01JDPM8ZC2T8W6V7Q4N1XK5R3B']) {
    const refused = await refusalOf(await house.api(path, partner.secret))
    assert.deepEqual([refused.status, refused.code], [403, 'wrong_credential_kind'], path)
  }
  assert.deepEqual(await rowsOf(house), before)
})

test('U13: the same organizationId of two platforms is two organizations, and neither reaches the other', async (t) => {
  const { house, partner } = await open(t)
  const rival = await createPartner(house, 'HireFast')
  const [ours, theirs] = [await provision(house, partner), await provision(house, rival)]
  assert.notEqual(ours.organization.id, theirs.organization.id)
  assert.deepEqual([ours.created, theirs.created], [true, true])
  await provision(house, rival, { onExisting: 'rotate' })
  assert.equal((await meOf(house, ours.apiKey)).status, 200)
  const taken = await provision(house, rival, { organizationId: ours.organization.id })
  assert.notEqual(taken.organization.id, ours.organization.id, 'our own id of it is but a name to another')
})

test('an organization that is suspended gets no key; a platform key that was changed opens nothing', async (t) => {
  const { house, partner } = await open(t)
  const made = await provision(house, partner)
  assert.ok(isOrganizationId(made.organization.id))
  await suspendOrganization(house.database.knex, { organization: made.organization.id, by }, new Date())
  const refused = await refusalOf(await post(house, partner.secret, { ...customer, onExisting: 'add' }))
  assert.deepEqual([refused.status, refused.code], [403, 'organization_suspended'])

  const renewed = await rotatePartnerKey(house, partner)
  assert.equal((await post(house, partner.secret, customer)).status, 401)
  await provision(house, renewed, { organizationId: 'another' })
})

test('of calls that come at once for a new organization one is answered 201, the others 409 with its key', async (t) => {
  const { house, partner } = await open(t)
  for (let round = 0; round < 5; round += 1) {
    const body = { ...customer, organizationId: `round ${round}`, teamMembers: team }
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(house, partner.secret, body)))
    const [won, ...others] = answers.sort((left, right) => left.status - right.status)
    assert.equal(won?.status, 201)
    const { keyId } = (await won.json()) as { keyId: string }
    for (const answer of others) {
      const { status, conflicts_with: named } = await refusalOf(answer)
      assert.deepEqual([status, named], [409, keyId])
    }
  }
  const rows = await rowsOf(house)
  assert.deepEqual([rows?.['organizations'], rows?.['keys'], rows?.['persons']], [5, 5, 3])
})

test('calls that bring the same people along at the same time, in any order, do not wait in a circle', async (t) => {
  const { house, partner } = await open(t)
  const people = Array.from({ length: 20 }, (_, index) => ({
    email: `p${index}@acme.example`,
    role: 'MEMBER',
  }))
  const bodies = Array.from({ length: 8 }, (_, index) => ({
    ...customer,
    // Nothing else that they could wait for one another at.
    organizationId: `customer ${index}`,
    userEmail: `admin@customer-${index}.example`,
    teamMembers: index % 2 === 0 ? people : people.toReversed(),
  }))
  const answers = await Promise.all(bodies.map((body) => post(house, partner.secret, body)))
  for (const answer of answers) assert.equal(answer.status, 201, await answer.text())
  assert.equal((await rowsOf(house))?.['persons'], 28)
})

test('with another profile the same server is another API: what differs is data', async (t) => {
  const house = await startHouse(t, {
    change: (profile) => ({
      ...profile,
      basePath: '/api/integration',
      credentials: {
        ...profile.credentials,
        prefixes: {
          ...profile.credentials.prefixes,
          api_key: { live: 'bply_org_', test: 'bply_org_test_' },
          platform_key: 'bply_platform_',
        },
      },
    }),
  })
  const partner = await createPartner(house)
  assert.match(partner.secret, /^bply_platform_[0-9A-Za-z]{36}$/)
  // As the Boooply client sends it.
  const response = await fetch(`${house.url}/api/integration/organizations/api-key`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${partner.secret}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({
      userId: '12345',
      userEmail: 'admin@acme.com',
      userName: 'Jane Admin',
      organizationId: 'org_7234567890',
      organizationName: 'Acme Corporation',
      teamMembers: team,
    }),
  })
  assert.equal(response.status, 201)
  const { apiKey } = (await response.json()) as { apiKey: string }
  assert.match(apiKey, /^bply_org_[0-9A-Za-z]{36}$/)
  const headers = { Authorization: `Bearer ${apiKey}` }
  assert.equal((await fetch(`${house.url}/api/integration/bookings`, { headers })).status, 200)
  assert.equal((await fetch(`${house.url}/api/v1/bookings`, { headers })).status, 404)
})
