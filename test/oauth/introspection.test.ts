// Introspection (RFC 7662) as a resource server sees it: SECURITY I1 to I8.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { deleteApp, registerApp } from '../../src/apps/register-app.ts'
import { byServer } from '../../src/core/attribution.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { issueKey } from '../../src/keys/issue-key.ts'
import { removeResourceServer, rotateSecret } from '../../src/oauth/register-resource-server.ts'
import { revokeGrant } from '../../src/oauth/revoke-grant.ts'
import { disablePerson } from '../../src/offboarding/disable-person.ts'
import { suspendOrganization } from '../../src/offboarding/suspend-organization.ts'
import { obtainCode, obtainTokens, readTokens, redirectUri } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { assertInactive, basicOf, claimsOf, introspect, resourceServer } from '../support/introspection.ts'
import { makeKey, signProof } from '../support/proof.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings read:customers'

async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const person = await house.person(email, organization)
  const app = await house.app(organization)
  const server = await resourceServer(house)
  return { house, organization, person, app, server }
}

test('I1: without credentials, or with those of a public client, nobody is told anything', async (t) => {
  const { house, app, organization, server } = await open(t)
  const { secret } = await house.key(organization, 'test', ['read:bookings'])
  const refused = async (response: Response, what: string) => {
    assert.equal(response.status, 401, what)
    assert.match(response.headers.get('www-authenticate') ?? '', /^Basic realm="/, what)
    assert.equal(((await response.json()) as { error: string }).error, 'invalid_client', what)
  }
  const asked = { token: secret }
  await refused(await introspect(house, null, asked), 'no credentials')
  await refused(await introspect(house, null, { ...asked, client_id: app.clientId }), 'a public client')
  await refused(
    await introspect(house, null, { ...asked, client_id: app.clientId, client_secret: server.secret }),
    'a public client with a secret',
  )
  await refused(await introspect(house, { id: app.clientId, secret: 'x' }, asked), 'the same by Basic')
  await refused(await introspect(house, { ...server, secret: 'wrong' }, asked), 'a wrong secret')
  await refused(await introspect(house, { ...server, id: `rs_${'0'.repeat(24)}` }, asked), 'an unknown id')
  await refused(await introspect(house, null, { ...asked, client_id: server.id }), 'no secret')
  for (const header of ['Basic', 'Basic !!!', 'Basic YQ==', 'Basic OmI=', `Bearer ${secret}`, 'Basic JTp4']) {
    await refused(await introspect(house, null, asked, { Authorization: header }), header)
  }
  assert.equal((await claimsOf(await introspect(house, server, asked)))['active'], true)
  const inForm = { ...asked, client_id: server.id, client_secret: server.secret }
  assert.equal((await claimsOf(await introspect(house, null, inForm)))['active'], true)
  const { status } = await introspect(house, server, inForm)
  assert.equal(status, 400, 'in one way alone (RFC 6749 section 2.3)')
  const rotated = await rotateSecret(house.database.knex, server.id as `rs_${string}`, byServer)
  await house.settle()
  await refused(await introspect(house, server, asked), 'the old secret')
  const again = { id: server.id, secret: rotated?.secret.reveal() ?? '' }
  assert.equal((await claimsOf(await introspect(house, again, asked)))['active'], true)
  await removeResourceServer(house.database.knex, server.id as `rs_${string}`, byServer)
  await house.settle()
  await refused(await introspect(house, again, asked), 'deleted')
  assert.ok(!house.log().includes(again.secret) && !house.log().includes(secret))
})

test('I1: who guesses has to wait, who knows is served all the same', async (t) => {
  const { house, organization, server } = await open(t)
  const { secret } = await house.key(organization, 'test', ['read:bookings'])
  const statuses: number[] = []
  for (let at = 0; at < 62; at += 1)
    statuses.push((await introspect(house, null, { token: 'x', client_id: 'x' })).status)
  assert.deepEqual([statuses[0], statuses[59], statuses[60]], [401, 401, 429])
  const late = await introspect(house, null, { token: 'x' })
  assert.ok(Number(late.headers.get('retry-after')) > 0)
  assert.equal((await claimsOf(await introspect(house, server, { token: secret })))['active'], true)
})

test('I2, I5, I7: whatever is no good credential is inactive, and nothing more is said', async (t) => {
  const { house, organization, app, server } = await open(t)
  const tokens = await obtainTokens(house.url, app, email, scope)
  const { code } = await obtainCode(house.url, app, email, scope)
  const { secret: good } = await house.key(organization, 'test', ['read:bookings'])
  const format = createFormat(house.profile.credentials.prefixes)
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const bad = {
    unknown: format.write('access_token', 'live').reveal(),
    'an unknown key': format.write('api_key', 'live').reveal(),
    'a platform key': format.write('platform_key', 'live').reveal(),
    malformed: 'garbage',
    'one character off': `${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`,
    'like a JWT': `${encode({ alg: 'RS256', typ: 'at+jwt' })}.${encode({ sub: 'x' })}.c2ln`,
    'an unsigned JWT': `${encode({ alg: 'none' })}.${encode({ sub: 'x' })}.`,
    'a refresh token': tokens.refresh_token,
    'a code': code,
    'with a NUL': `${good}\0`,
    'half a surrogate': '\ud800',
    'very long': 'x'.repeat(50_000),
    'a space': ' ',
    server: server.secret,
  }
  for (const [what, token] of Object.entries(bad)) {
    for (const hint of [null, 'access_token', 'refresh_token', 'nonsense']) {
      const parameters = { token, ...(hint ? { token_type_hint: hint } : {}) }
      await assertInactive(await introspect(house, server, parameters), `${what}, ${hint}`)
    }
  }
  for (const hint of ['refresh_token', 'urn:nonsense', '']) {
    const parameters = { token: tokens.access_token, token_type_hint: hint }
    assert.equal((await claimsOf(await introspect(house, server, parameters)))['active'], true, hint)
  }
})

test('I2, I7: a request that is none is refused with 400, or 405, never with 500', async (t) => {
  const { house, server } = await open(t)
  const bodies: readonly (readonly [string, string | URLSearchParams, string])[] = [
    ['no token', '', 'application/x-www-form-urlencoded'],
    ['an empty token', 'token=', 'application/x-www-form-urlencoded'],
    ['a token twice', 'token=a&token=b', 'application/x-www-form-urlencoded'],
    ['an unknown parameter twice', 'token=a&x=1&x=2', 'application/x-www-form-urlencoded'],
    ['JSON', '{"token":"x"}', 'application/json'],
    ['too much', `token=${'x'.repeat(60_000)}`, 'application/x-www-form-urlencoded'],
    ['no address', 'token=a&client_address=%00', 'application/x-www-form-urlencoded'],
  ]
  for (const [what, body, type] of bodies) {
    const response = await fetch(`${house.url}/oauth/introspect`, {
      method: 'POST',
      headers: { Authorization: basicOf(server), 'Content-Type': type },
      body,
    })
    assert.equal(response.status, 400, what)
    assert.equal(((await response.json()) as { error: string }).error, 'invalid_request', what)
  }
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await fetch(`${house.url}/oauth/introspect?token=x`, {
      method,
      headers: { Authorization: basicOf(server) },
    })
    assert.equal(response.status, 405, method)
    assert.equal(response.headers.get('allow'), 'POST')
  }
  const inQuery = await fetch(`${house.url}/oauth/introspect?token=x`, {
    method: 'POST',
    headers: { Authorization: basicOf(server) },
    body: new URLSearchParams({ more: 'x' }),
  })
  assert.equal(inQuery.status, 400, 'a token in the address is not looked at')
  assert.doesNotMatch(house.log(), /"status":5\d\d/)
})

test('I3: an active access token is described', async (t) => {
  const { house, organization, person, app, server } = await open(t)
  const before = Math.floor(Date.now() / 1000)
  const tokens = await obtainTokens(house.url, app, email, scope)
  const claims = await claimsOf(await introspect(house, server, { token: tokens.access_token }))
  const { iat, exp, grant_id: grant, ...rest } = claims
  assert.deepEqual(rest, {
    active: true,
    scope: 'read:bookings read:customers',
    client_id: app.clientId,
    sub: person,
    token_type: 'Bearer',
    iss: house.url,
    aud: `${house.url}/api/v1`,
    org_id: organization.id,
    mode: 'test',
    credential_type: 'access_token',
  })
  assert.match(String(grant), /^grant_/)
  assert.ok(Number(iat) >= before - 1 && Number(iat) <= before + 30, String(iat))
  assert.ok(Math.abs(Number(exp) - Number(iat) - tokens.expires_in) <= 2)

  // Of a token that is bound to a key of its client the key is told, so that a proof can be asked for.
  const key = await makeKey()
  const { code, verifier } = await obtainCode(house.url, app, email, scope)
  const bound = await fetch(`${house.url}/oauth/token`, {
    method: 'POST',
    headers: { DPoP: await signProof(key, { url: `${house.url}/oauth/token` }) },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: app.clientId,
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
    }),
  })
  const { access_token: token } = await readTokens(bound)
  const ofBound = await claimsOf(await introspect(house, server, { token }))
  assert.deepEqual([ofBound['token_type'], ofBound['cnf']], ['DPoP', { jkt: key.thumbprint }])

  house.travel(tokens.expires_in + 1)
  await assertInactive(await introspect(house, server, { token: tokens.access_token }), 'expired')
})

test('I4: a resource server is told of tokens for its own audience, and of its own scopes, alone', async (t) => {
  const { house, organization, app, server } = await open(t)
  const other = await resourceServer(house, 'https://reports.example.com')
  const tokens = await obtainTokens(house.url, app, email, scope)
  const { secret } = await house.key(organization, 'live', ['read:bookings'])
  await assertInactive(await introspect(house, other, { token: tokens.access_token }), 'a token for the API')
  await assertInactive(await introspect(house, other, { token: secret }), 'a key, which is for the API')
  assert.equal((await claimsOf(await introspect(house, server, { token: secret })))['active'], true)
  const some = await resourceServer(house, `${house.url}/api/v1`, ['read:bookings'])
  const claims = await claimsOf(await introspect(house, some, { token: tokens.access_token }))
  assert.equal(claims['scope'], 'read:bookings')
})

test('I6: API keys are described alike, with organization, mode and key id', async (t) => {
  const { house, organization, server } = await open(t)
  for (const mode of ['live', 'test'] as const) {
    const ends = new Date(house.now().getTime() + 3_600_000)
    const { key, secret } = await house.key(organization, mode, ['read:bookings'], ends)
    const claims = await claimsOf(await introspect(house, server, { token: secret }))
    const { iat, ...rest } = claims
    assert.deepEqual(rest, {
      active: true,
      scope: 'read:bookings',
      client_id: key.id,
      sub: key.id,
      token_type: 'Bearer',
      key_id: key.id,
      iss: house.url,
      aud: `${house.url}/api/v1`,
      exp: Math.floor(ends.getTime() / 1000),
      org_id: organization.id,
      mode,
      credential_type: 'api_key',
    })
    assert.equal(typeof iat, 'number')
  }
  const { secret: endless, key } = await house.key(organization, 'live', ['read:bookings'])
  assert.equal('exp' in (await claimsOf(await introspect(house, server, { token: endless }))), false)
  await house.settle()
  const [use] = await house.database.knex('api_key_uses').where({ key_id: key.id })
  assert.equal(use?.client, 'Reports API', 'it was used, by way of the resource server')
  const { secret: brief } = await house.key(
    organization,
    'live',
    ['read:bookings'],
    new Date(house.now().getTime() + 1000),
  )
  house.travel(2)
  await assertInactive(await introspect(house, server, { token: brief }), 'expired')
  await house.database.knex('api_keys').where({ id: key.id }).delete()
  await house.settle()
  await assertInactive(await introspect(house, server, { token: endless }), 'deleted')
})

test('I6: a key that is bound to networks is active for who comes from there', async (t) => {
  const { house, organization, server } = await open(t)
  const format = createFormat(house.profile.credentials.prefixes)
  const { secret } = await issueKey(
    house.database.knex,
    format,
    {
      organization: organization.id,
      mode: 'test',
      name: 'office',
      scopes: ['read:bookings'],
      expiresAt: null,
      allowedAddresses: ['192.0.2.0/24'],
      by: byServer,
    },
    house.now(),
  )
  const token = secret.reveal()
  const ask = (address: string | null) =>
    introspect(house, server, { token, ...(address === null ? {} : { client_address: address }) })
  await assertInactive(await ask(null), 'nobody says from where it came')
  await assertInactive(await ask('198.51.100.1'), 'from elsewhere')
  assert.equal((await claimsOf(await ask('192.0.2.7')))['active'], true)
  assert.equal((await claimsOf(await ask('::ffff:192.0.2.7')))['active'], true)
  assert.equal((await ask('office')).status, 400)
})

test('I8: what was ended is inactive on the next question, whatever ended it', async (t) => {
  const { house, organization, person, app, server } = await open(t)
  const { knex } = house.database
  // As by a command: this server hears of it from the database.
  const isActive = async (token: string) =>
    (await claimsOf(await introspect(house, server, { token })))['active'] === true
  const wanted = {
    organization: organization.id,
    mode: 'test' as const,
    name: 'Another',
    redirectUris: ['http://127.0.0.1/callback'],
    scopes: ['read:bookings'],
    refreshGraceSeconds: 60,
    refreshLifetimeSeconds: 86_400,
    by: byServer,
  }
  const gone = await registerApp(knex, wanted, house.now())
  const ofGone = (await obtainTokens(house.url, gone, email, 'read:bookings')).access_token
  assert.ok(await isActive(ofGone))
  await deleteApp(knex, gone.clientId, byServer)
  await house.settle()
  await assertInactive(await introspect(house, server, { token: ofGone }), 'its app was deleted')

  const revoked = (await obtainTokens(house.url, app, email, scope)).access_token
  const [grant] = await knex('grants')
  assert.ok(await isActive(revoked))
  await revokeGrant(knex, grant.id, () => byServer, 'revoked_by_operator')
  await house.settle()
  await assertInactive(await introspect(house, server, { token: revoked }), 'its grant was revoked')

  await house.person('bob@acme.example', organization)
  const ofBob = (await obtainTokens(house.url, app, 'bob@acme.example', scope)).access_token
  const { secret: key } = await house.key(organization, 'live', ['read:bookings'])
  const ofAnn = (await obtainTokens(house.url, app, email, scope)).access_token
  await disablePerson(knex, { person, by: byServer }, house.now())
  await house.settle()
  await assertInactive(await introspect(house, server, { token: ofAnn }), 'its person was disabled')
  assert.ok(await isActive(ofBob))

  await suspendOrganization(knex, { organization: organization.id, by: byServer }, house.now())
  await house.settle()
  await assertInactive(await introspect(house, server, { token: ofBob }), 'its organization is suspended')
  await assertInactive(await introspect(house, server, { token: key }), 'the same for a key')
})

test('I8: a database that does not answer is no answer: 503, to be asked again', async (t) => {
  const { house, organization, server } = await open(t)
  const { secret } = await house.key(organization, 'live', ['read:bookings'])
  await house.asOwner('alter table credentials rename to credentials_away')
  const response = await introspect(house, server, { token: secret })
  assert.equal(response.status, 503)
  assert.ok(response.headers.get('retry-after'))
  assert.doesNotMatch(await response.text(), /credentials|relation|active/)
  await house.asOwner('alter table credentials_away rename to credentials')
  assert.equal((await claimsOf(await introspect(house, server, { token: secret })))['active'], true)
})
