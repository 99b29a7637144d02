// Our API as a protected resource (RFC 9728, RFC 6750, MCP): SECURITY P1 to P7.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { obtainCode, obtainTokens } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { resourceServer } from '../support/introspection.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'

async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  return { house, organization, app }
}

/** The challenge as its scheme and its parameters. */
function challengeOf(response: Response): Record<string, string> {
  const text = response.headers.get('www-authenticate') ?? ''
  assert.match(text, /^Bearer ([a-z_]+="[^"]*"(, )?)+$/, text)
  return Object.fromEntries(
    [...text.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  )
}

test('P1, P2, P3, P7: from nothing but the address of the API a client finds its way', async (t) => {
  const { house, app } = await open(t)
  const nothing = await house.api('/bookings', null)
  assert.equal(nothing.status, 401)
  const { resource_metadata: address = '', ...more } = challengeOf(nothing)
  assert.deepEqual(more, {}, 'who has not tried has made no error')
  const document = (await (await fetch(address)).json()) as Record<string, unknown>
  assert.equal(
    document['resource'],
    `${house.url}/api/v1`,
    'identical to what was asked (RFC 9728 section 3.3)',
  )
  assert.deepEqual(document['authorization_servers'], [house.url])
  assert.deepEqual(document['bearer_methods_supported'], ['header'])
  const [issuer] = document['authorization_servers'] as string[]
  const server = (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()) as object
  assert.equal('issuer' in server && server.issuer, issuer)

  const tokens = await obtainTokens(house.url, app, email, scope)
  const told = [JSON.stringify(document)]
  for (const [path, credential, status, error] of [
    ['/bookings', 'garbage', 401, 'invalid_token'],
    ['/bookings', tokens.refresh_token, 401, 'invalid_token'],
    ['/customers', tokens.access_token, 403, 'insufficient_scope'],
  ] as const) {
    const response = await house.api(path, credential)
    assert.equal(response.status, status)
    const challenge = challengeOf(response)
    assert.equal(challenge['error'], error)
    assert.equal(challenge['resource_metadata'], address)
    assert.equal(
      response.headers.get('access-control-allow-origin'),
      null,
      'pages of others are told nothing',
    )
    told.push(JSON.stringify(challenge))
  }
  assert.doesNotMatch(told.join(), /offline_access/, 'P7')
})

test('P4: a challenge names what the operation needs and what the token has, so that a step up loses nothing', async (t) => {
  const { house, organization, app } = await open(t)
  const first = await obtainTokens(house.url, app, email, scope)
  const refused = await house.api('/customers', first.access_token)
  assert.equal(refused.status, 403)
  const { scope: needed = '' } = challengeOf(refused)
  assert.equal(needed, 'read:bookings read:customers')

  // A client of MCP asks for exactly that (and no more), and is at the same place again with a token that does both.
  const second = await obtainTokens(house.url, app, email, needed)
  assert.equal((await house.api('/customers', second.access_token)).status, 200)
  assert.equal((await house.api('/bookings', second.access_token)).status, 200)

  // And what a key is told does not tell it from a token.
  const { secret } = await house.key(organization, 'test', [scope])
  assert.equal(challengeOf(await house.api('/customers', secret))['scope'], needed)
})

test('P5, P6: one credential, of a kind that opens the API', async (t) => {
  const { house, app } = await open(t)
  const tokens = await obtainTokens(house.url, app, email, 'read:bookings write:bookings')
  const { code } = await obtainCode(house.url, app, email, scope)
  const server = await resourceServer(house)
  for (const [what, credential] of Object.entries({
    'a refresh token': tokens.refresh_token,
    'a code': code,
    "a resource server's secret": server.secret,
    "a resource server's id": server.id,
  })) {
    const response = await house.api('/bookings', credential)
    assert.equal(response.status, 401, what)
    assert.equal(challengeOf(response)['error'], 'invalid_token')
  }
  const form = {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `access_token=${tokens.access_token}`,
  }
  assert.equal((await house.api('/bookings', null, form)).status, 401, 'in a body it is not looked at')
  assert.equal((await house.api('/bookings', tokens.access_token, form)).status, 400, 'nor beside a header')
  const twice = await house.api(`/bookings?access_token=${tokens.access_token}`, tokens.access_token)
  assert.equal(twice.status, 400)
  assert.equal((await house.api('/bookings', tokens.access_token)).status, 200)
})
