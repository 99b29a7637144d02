// G1 to G7, A8 to A12, D11: apps that register by themselves (RFC 7591) and manage it (RFC 7592).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistrationToken, deleteRegistrationToken } from '../../src/apps/registration-token.ts'
import { listRegistrationTokens } from '../../src/apps/registration-token-store.ts'
import { byCommandLine } from '../../src/core/attribution.ts'
import type { ClientId } from '../../src/core/ids.ts'
import { appScopes, type Profile } from '../../src/core/profile.ts'
import { createFormat } from '../../src/credentials/format.ts'
import {
  authorizationUrl,
  errorOf,
  exchange,
  obtainCode,
  obtainTokens,
  postToken,
  readTokens,
  redirectUri,
  refresh,
} from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { manage, metadata, postRegistration, readRegistered, registerApp } from '../support/registration.ts'
import { makeHome, runJson } from '../support/server-process.ts'

type Policy = Partial<Profile['oauth']['dynamicRegistration']>

/** Registers freely, often, in the mode in which tests have their rows. */
const changeTo =
  (policy: Policy = {}) =>
  (profile: Profile): Profile => {
    const usual = { mode: 'test', rate: { requests: 10_000, seconds: 60 } } as const
    const dynamicRegistration = { ...profile.oauth.dynamicRegistration, ...usual, ...policy }
    return { ...profile, oauth: { ...profile.oauth, dynamicRegistration } }
  }

const scope = 'read:bookings'
const email = 'olga@acme.example'

async function deeds(house: House, target: string) {
  const rows = await house.asOwner<{ action: string; actor_kind: string; address: string; details: object }>(
    'select action, actor_kind, address, details from audit_events where target = $1 order by id',
    [target],
  )
  return rows
}

test('apps that register by themselves', async (t) => {
  const house = await startHouse(t, { change: changeTo() })
  await house.person(email, await house.organization('Acme'))

  await t.test(
    'G1: what is registered is answered whole, with an id and the token that manages it',
    async () => {
      const response = await postRegistration(house.url, {
        ...metadata,
        client_uri: 'https://sync.example.com',
        logo_uri: 'https://sync.example.com/logo.png',
        policy_uri: 'https://sync.example.com/privacy',
        tos_uri: 'https://sync.example.com/terms',
        software_id: 'ignored',
        contacts: ['ignored@sync.example.com'],
        scope: `${scope} offline_access`,
      })
      assert.match(response.headers.get('cache-control') ?? '', /no-store/)
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
      const { client_id, client_id_issued_at, registration_access_token, registration_client_uri, ...said } =
        await readRegistered(response, 201)
      assert.match(client_id, /^app_[0-9a-z]{24}$/)
      assert.ok(Math.abs(client_id_issued_at - Date.now() / 1000) < 10)
      assert.match(registration_access_token, /^bz_rat_[0-9A-Za-z]{36}$/)
      assert.equal(registration_client_uri, `${house.url}/oauth/register/${client_id}`)
      assert.deepEqual(said, {
        client_name: 'Calendar Sync',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        scope,
        client_uri: 'https://sync.example.com/',
        logo_uri: 'https://sync.example.com/logo.png',
        policy_uri: 'https://sync.example.com/privacy',
        tos_uri: 'https://sync.example.com/terms',
      })
      const [told] = await deeds(house, client_id)
      assert.equal(told?.action, 'app.created')
      assert.equal(told?.actor_kind, 'server')
      assert.equal(told?.address, '127.0.0.1')
      assert.doesNotMatch(house.log() + JSON.stringify(told), /bz_rat_/)
      const [row] = await house.asOwner<{ row: string }>(
        'select to_jsonb(a)::text as row from oauth_apps a where client_id = $1',
        [client_id],
      )
      assert.ok(row)
      assert.doesNotMatch(row.row, new RegExp(registration_access_token), 'only its hash is kept')
    },
  )

  await t.test('D11: the ids that we make are never an address', async () => {
    const { client_id } = await registerApp(house.url, {
      ...metadata,
      client_id: 'https://mine.example.com/me',
    })
    assert.match(client_id, /^app_/)
  })

  await t.test('G2: an app never gets a secret, and none that needs one is registered', async () => {
    const methods = [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'tls_client_auth',
    ]
    for (const method of methods) {
      const body = { ...metadata, token_endpoint_auth_method: method }
      assert.equal(
        await errorOf(await postRegistration(house.url, body)),
        '400 invalid_client_metadata',
        method,
      )
    }
    for (const more of [{}, { token_endpoint_auth_method: 'none' }, { token_endpoint_auth_method: null }]) {
      const made = await registerApp(house.url, { ...metadata, ...more, client_secret: 'chosen' })
      assert.equal(made['token_endpoint_auth_method'], 'none')
      assert.ok(!('client_secret' in made) && !('client_secret_expires_at' in made))
    }
  })

  await t.test('G3, A10, A11, A12: redirect URIs that could leak a code are not registered', async () => {
    const bad = [
      ...[
        'javascript:alert(1)',
        'data:text/html,x',
        '/callback',
        'callback',
        '',
        'https://app.example.com/#x',
      ],
      ...['http://app.example.com/callback', 'http://127.0.0.2/callback', 'myapp:/callback', 'intent://x'],
      ...[
        'https://*.example.com/cb',
        'https://u:p@app.example.com/cb',
        'https://a.example/\u0000',
        'https://ä.example/',
      ],
      ...['com.example.app:/cb\u0000', `https://app.example.com/${'x'.repeat(2000)}`],
    ]
    for (const uri of bad) {
      const body = { ...metadata, redirect_uris: [redirectUri, uri] }
      assert.equal(await errorOf(await postRegistration(house.url, body)), '400 invalid_redirect_uri', uri)
    }
    const many = Array.from({ length: 21 }, (_, index) => `https://app.example.com/${index}`)
    for (const uris of [
      undefined,
      null,
      [],
      {},
      'https://app.example.com/',
      [1],
      [null],
      [[redirectUri]],
      many,
    ]) {
      const body = { ...metadata, redirect_uris: uris }
      assert.equal(
        await errorOf(await postRegistration(house.url, body)),
        '400 invalid_redirect_uri',
        String(uris),
      )
    }
    const good = [
      'https://app.example.com/cb?x=1',
      'http://localhost/cb',
      'http://[::1]:80/cb',
      'com.example.app:/cb',
    ]
    assert.deepEqual((await registerApp(house.url, { redirect_uris: good }))['redirect_uris'], good)
  })

  await t.test(
    'A8, A9: an app without application_type comes back on any port of this computer, and nowhere else',
    async () => {
      const { client_id } = await registerApp(house.url, {
        ...metadata,
        redirect_uris: ['http://127.0.0.1/cb', 'http://[::1]/cb', 'http://localhost:3000/cb'],
      })
      const asked = async (uri: string) => {
        const { url } = authorizationUrl(house.url, client_id, scope, { redirect_uri: uri })
        const response = await fetch(url, { redirect: 'manual', headers: { Accept: 'text/html' } })
        return response.status === 303 ? response.headers.get('location') : response.status
      }
      for (const uri of [
        'http://127.0.0.1:51004/cb',
        'http://[::1]:9/cb',
        'http://localhost:8080/cb',
        'http://127.0.0.1/cb',
      ])
        assert.match(String(await asked(uri)), /^(http:\/\/localhost:\d+)?\/interaction\//, uri)
      for (const uri of [
        ...['http://127.0.0.1:51004/other', 'http://127.0.0.1:51004/cb?x=1', 'https://127.0.0.1:51004/cb'],
        ...[
          'http://127.0.0.2:51004/cb',
          'http://127.0.0.1:1@evil.example/cb',
          'http://127.0.0.1.evil.example/cb',
        ],
      ])
        assert.equal(await asked(uri), 400, uri)
    },
  )

  await t.test('G4: the scopes are known ones, and the most that the app may ask for', async () => {
    for (const wrong of [
      'read:everything',
      `${scope} admin`,
      'openid',
      'x'.repeat(5000),
      7,
      ['read:bookings'],
      '\u0000',
    ])
      assert.equal(
        await errorOf(await postRegistration(house.url, { ...metadata, scope: wrong })),
        '400 invalid_client_metadata',
      )
    const all = await registerApp(house.url)
    assert.equal(
      all['scope'],
      appScopes(house.profile).sort().join(' '),
      'none named: all that an app may have',
    )
    const narrow = await registerApp(house.url, { ...metadata, scope: `${scope} offline_access` })
    const client = { clientId: narrow.client_id }
    const tokens = await obtainTokens(house.url, client, email, scope)
    assert.equal(tokens.scope, scope)
    const { url } = authorizationUrl(house.url, narrow.client_id, `${scope} write:bookings`)
    const wide = await fetch(url, { redirect: 'manual', headers: { Accept: 'text/html' } })
    assert.deepEqual([wide.status, wide.headers.get('location')], [400, null])
    assert.match(await wide.text(), /invalid_scope/)
    assert.equal((await house.api('/bookings', tokens.access_token)).status, 200)
    const [told] = await house.asOwner<{ consented_at: Date | null; last_consented_at: Date | null }>(
      'select consented_at, last_consented_at from oauth_apps where client_id = $1',
      [narrow.client_id],
    )
    assert.ok(told?.consented_at && told.last_consented_at, 'it is kept now')
  })

  await t.test(
    'G5: names, links, grants and sizes have their limits, and nothing is a fault of ours',
    async () => {
      const refused = async (body: unknown, why: string, headers = {}) => {
        const response = await postRegistration(house.url, body, headers)
        const text = await response.text()
        assert.ok(response.status >= 400 && response.status < 500, `${why}: ${response.status} ${text}`)
        const { error, error_description: say } = JSON.parse(text) as Record<string, string>
        assert.match(String(error), /^invalid_(client_metadata|redirect_uri)$/, why)
        assert.match(String(say), /^[\x20-\x7e]{5,300}$/, why)
        return response.status
      }
      for (const name of [
        ...[
          'x'.repeat(101),
          'a\u0000b',
          'a\nb',
          'Bank\u202egnp',
          'Goo\u200bgle',
          '\u2066x',
          '\u3164',
          'a\ufeffb',
          '\u00ad',
          '\u2800',
          'a\ufff9b\ufffb',
          'a\ue000',
        ],
        ...[7, {}, ['x'], true],
      ])
        await refused({ ...metadata, client_name: name }, `name ${JSON.stringify(name)}`)
      await refused(`{"redirect_uris":["${redirectUri}"],"client_name":"\\ud800"}`, 'half a character')
      for (const field of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'])
        for (const link of [
          ...[
            'http://a.example',
            'javascript:alert(1)',
            'https://',
            'https://u:p@a.example/',
            'https://a.example/\u0000',
          ],
          ...[`https://a.example/${'x'.repeat(1000)}`, 7, {}],
        ])
          await refused({ ...metadata, [field]: link }, `${field} ${link}`)
      for (const grants of [[], ['client_credentials'], ['implicit'], 'authorization_code', [1], {}])
        await refused({ ...metadata, grant_types: grants }, `grants ${grants}`)
      for (const responses of [[], ['token'], ['id_token'], 'code', {}])
        await refused({ ...metadata, response_types: responses }, `responses ${responses}`)
      await refused({ ...metadata, sector_identifier_uri: 'http://127.0.0.1/' }, 'sector')
      await refused({ ...metadata, dpop_bound_access_tokens: 'yes' }, 'dpop')
      for (const body of ['', '{', 'null', '[]', '"x"', '7', '[[]]', '{"__proto__":1}', '['.repeat(5000)])
        await refused(body, `body ${body.slice(0, 10)}`)
      await refused({ ...metadata, software_statement: 'x'.repeat(17_000) }, 'too large')
      await refused(metadata, 'type', { 'Content-Type': 'text/plain' })
      // What more there is in it is none of our business.
      const made = await registerApp(house.url, {
        ...metadata,
        client_name: 'Caf\u00e9 \u{1f469}\u200d\u{1f4bb}',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        jwks_uri: 'http://127.0.0.1/jwks',
        software_statement: 'eyJ',
        client_uri: '',
        policy_uri: null,
      })
      assert.deepEqual(made['grant_types'], ['authorization_code', 'refresh_token'])
      assert.equal(made['client_name'], 'Caf\u00e9 \u{1f469}\u200d\u{1f4bb}')
      assert.ok(!('client_uri' in made) && !('policy_uri' in made) && !('jwks_uri' in made))
      const { client_name: name } = await registerApp(house.url, { redirect_uris: ['https://a.example/cb'] })
      assert.equal(name, 'Unnamed app (a.example)')
      assert.doesNotMatch(house.log(), /"level":50/)
    },
  )

  await t.test('G6: the registration is read, replaced and ended with its own token alone', async () => {
    const app = await registerApp(house.url)
    const other = await registerApp(house.url)
    const read = await manage('GET', app)
    assert.match(read.headers.get('cache-control') ?? '', /no-store/)
    assert.deepEqual(await readRegistered(read), app)

    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const body = method === 'PUT' ? { ...metadata, client_id: app.client_id } : undefined
      const wrong = [other.registration_access_token, 'x', `${app.registration_access_token}x`, 'bz_rat_']
      for (const token of [null, ...wrong]) {
        const response = await manage(method, app, { body, token })
        assert.equal(
          response.headers.get('www-authenticate'),
          token === null ? 'Bearer' : 'Bearer error="invalid_token"',
        )
        assert.equal(await errorOf(response), '401 invalid_token', `${method} ${token}`)
      }
      const nobody = { ...app, registration_client_uri: `${house.url}/oauth/register/app_${'x'.repeat(24)}` }
      assert.equal(await errorOf(await manage(method, nobody, { body })), '401 invalid_token')
      const odd = { ...app, registration_client_uri: `${house.url}/oauth/register/${'%ff'}` }
      assert.ok((await manage(method, odd, { body })).status < 500)
    }
    await readRegistered(await manage('GET', other))

    const replaced = { client_id: app.client_id, client_name: 'Renamed', redirect_uris: [redirectUri], scope }
    for (const more of [
      { token_endpoint_auth_method: 'client_secret_basic' },
      { client_secret: 'chosen' },
      { client_id: other.client_id },
      { client_id: undefined },
      { registration_access_token: app.registration_access_token },
      { redirect_uris: ['javascript:alert(1)'] },
    ]) {
      const response = await manage('PUT', app, { body: { ...replaced, ...more } })
      assert.match(
        await errorOf(response),
        /^400 invalid_(client_metadata|redirect_uri)$/,
        JSON.stringify(more),
      )
    }
    for (const body of [null, [], 7]) assert.equal((await manage('PUT', app, { body })).status, 400)

    await house.asOwner(`update oauth_apps set verified_at = now() where client_id = $1`, [app.client_id])
    const after = await readRegistered(await manage('PUT', app, { body: replaced }))
    assert.equal(after['client_name'], 'Renamed')
    assert.equal(after['scope'], scope)
    assert.ok(!('client_secret' in after))
    assert.notEqual(after.registration_access_token, app.registration_access_token)
    assert.equal(await errorOf(await manage('GET', app)), '401 invalid_token', 'the old token is spent')
    const [row] = await house.asOwner<{ verified_at: Date | null }>(
      'select verified_at from oauth_apps where client_id = $1',
      [app.client_id],
    )
    assert.equal(row?.verified_at, null, 'what the vendor vouched for looked otherwise')

    const client = { clientId: app.client_id }
    const tokens = await obtainTokens(house.url, client, email, scope)
    assert.equal((await house.api('/bookings', tokens.access_token)).status, 200)
    const gone = await manage('DELETE', after)
    assert.equal(gone.status, 204)
    assert.equal((await house.api('/bookings', tokens.access_token)).status, 401)
    assert.equal(await errorOf(await refresh(house.url, client, tokens.refresh_token)), '401 invalid_client')
    assert.equal(await errorOf(await manage('GET', after)), '401 invalid_token')
    const actions = (await deeds(house, app.client_id)).map(({ action }) => action)
    assert.deepEqual([...new Set(actions)], ['app.created', 'app.updated', 'app.unverified', 'app.deleted'])
    await house.settle()
    const refusals = await house.asOwner<{ count: string }>(
      'select count(*) from app_refusals where client_id = $1',
      [app.client_id],
    )
    assert.equal(refusals[0]?.count, '0', 'they went with the app')
  })

  await t.test('G6: what an app gives up by its registration is gone from what people allowed', async () => {
    const both = 'read:bookings write:bookings'
    const app = await registerApp(house.url, { ...metadata, scope: both })
    const client = { clientId: app.client_id }
    const tokens = await obtainTokens(house.url, client, email, both)
    const unspent = await obtainCode(house.url, client, email, scope)
    const body = { ...metadata, client_id: app.client_id, scope, redirect_uris: ['https://moved.example/'] }
    await readRegistered(await manage('PUT', app, { body }))
    const me = await house.api('/me', tokens.access_token)
    assert.equal(me.headers.get('x-boothzen-scope'), scope)
    assert.equal((await readTokens(await refresh(house.url, client, tokens.refresh_token))).scope, scope)
    assert.equal(await errorOf(await exchange(house.url, client, unspent)), '400 invalid_grant')
  })

  await t.test("G6: what a change is refused for stands in the app's error log", async () => {
    const app = await registerApp(house.url)
    await manage('PUT', app, { body: { ...metadata, client_id: app.client_id, redirect_uris: ['myapp:/x'] } })
    await house.settle()
    const rows = await house.asOwner<{ endpoint: string; error: string; reason: string }>(
      'select endpoint, error, reason from app_refusals where client_id = $1',
      [app.client_id],
    )
    assert.deepEqual(
      rows.map(({ endpoint, error }) => [endpoint, error]),
      [['registration', 'invalid_redirect_uri']],
    )
    assert.match(rows[0]?.reason ?? '', /domain name in reverse/)
  })

  await t.test('G6: of many changes with one token at once, one is done', async () => {
    const app = await registerApp(house.url)
    const body = { ...metadata, client_id: app.client_id }
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        manage('PUT', app, { body: { ...body, client_name: `N${index}` } }),
      ),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(401)])
    const winner = answers.find(({ status }) => status === 200)
    assert.ok(winner)
    const made = await readRegistered(winner)
    assert.equal((await readRegistered(await manage('GET', made)))['client_name'], made['client_name'])
  })

  await t.test('G7: application_type does no harm', async () => {
    for (const type of ['web', 'native', 'spa', 7, null]) {
      const { client_id } = await registerApp(house.url, { ...metadata, application_type: type })
      const { url } = authorizationUrl(house.url, client_id, scope)
      assert.equal((await fetch(url, { redirect: 'manual' })).status, 303, String(type))
    }
  })

  await t.test('a page may register an app as well as a program, without cookies', async () => {
    const preflight = await fetch(`${house.url}/oauth/register`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://spa.example.com', 'Access-Control-Request-Method': 'POST' },
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /Content-Type/)
    for (const body of [metadata, {}]) {
      const response = await postRegistration(house.url, body, { Origin: 'https://spa.example.com' })
      assert.equal(response.headers.get('access-control-allow-origin'), '*')
      assert.equal(response.headers.get('access-control-allow-credentials'), null)
    }
    const wrong = await fetch(`${house.url}/oauth/register`)
    assert.equal(wrong.status, 405)
    assert.equal(wrong.headers.get('allow'), 'POST, OPTIONS')
  })

  await t.test('reaped: what nobody allowed anything is told that it is not registered', async () => {
    const app = await registerApp(house.url)
    await house.asOwner('delete from oauth_apps where client_id = $1', [app.client_id])
    const { url } = authorizationUrl(house.url, app.client_id, scope)
    const page = await fetch(url, { redirect: 'manual', headers: { Accept: 'text/html' } })
    assert.equal(page.status, 400)
    assert.match(await page.text(), /registers again/)
    const clientId: ClientId = app.client_id
    const body = { grant_type: 'refresh_token', refresh_token: 'x', client_id: clientId }
    assert.equal(await errorOf(await postToken(house.url, body)), '401 invalid_client')
  })
})

test('G5: so many registrations from one address, then it waits', async (t) => {
  const house = await startHouse(t, { change: changeTo({ rate: { requests: 3, seconds: 3600 } }) })
  const statuses: number[] = []
  for (let count = 0; count < 5; count += 1)
    statuses.push((await postRegistration(house.url, metadata)).status)
  assert.deepEqual(statuses, [201, 201, 201, 429, 429])
  const response = await postRegistration(house.url, metadata, { Accept: 'text/html' })
  assert.ok(Number(response.headers.get('retry-after')) > 3000)
  assert.equal(await errorOf(response), '429 rate_limit_exceeded')
})

test('M5: the metadata names the endpoint where the profile opens it; elsewhere there is none', async (t) => {
  const address = async (house: House) => {
    const response = await fetch(`${house.url}/.well-known/oauth-authorization-server`)
    return ((await response.json()) as Record<string, unknown>)['registration_endpoint']
  }
  const open = await startHouse(t, { change: changeTo() })
  assert.equal(await address(open), `${open.url}/oauth/register`)
  const app = await registerApp(open.url)
  const off = await startHouse(t, { change: changeTo({ policy: 'off' }), databaseUrl: open.databaseUrl })
  assert.equal(await address(off), undefined)
  assert.equal((await postRegistration(off.url, metadata)).status, 404)
  const there = { ...app, registration_client_uri: app.registration_client_uri.replace(open.url, off.url) }
  for (const method of ['GET', 'DELETE'] as const) assert.equal((await manage(method, there)).status, 404)
})

test('G5: where the profile wants a token, one use of it is one app, also for many at once', async (t) => {
  const house = await startHouse(t, { change: changeTo({ policy: 'token' }) })
  const db = house.database.knex
  const make = async (uses: number | null, expiresInSeconds: number | null = null) => {
    const wanted = { name: 'partners', uses, expiresInSeconds, by: byCommandLine }
    const format = createFormat(house.profile.credentials.prefixes)
    const { token, secret } = await createRegistrationToken(db, format, wanted, house.now())
    return { ...token, bearer: { Authorization: `Bearer ${secret.reveal()}` }, secret: secret.reveal() }
  }
  const post = (headers: Readonly<Record<string, string>>, body: object = metadata) =>
    postRegistration(house.url, body, headers)

  const three = await make(3)
  assert.match(three.secret, /^bz_reg_[0-9A-Za-z]{36}$/)
  const nobody = await post({})
  assert.equal(nobody.headers.get('www-authenticate'), 'Bearer')
  assert.equal(await errorOf(nobody), '401 invalid_token')
  for (const wrong of [
    'Bearer x',
    `Bearer ${three.secret}x`,
    `Basic ${three.secret}`,
    `Bearer ${three.secret} x`,
  ])
    assert.equal(await errorOf(await post({ Authorization: wrong })), '401 invalid_token', wrong)
  const stranger = createFormat(house.profile.credentials.prefixes)
    .write('registration_token', 'live')
    .reveal()
  assert.equal(await errorOf(await post({ Authorization: `Bearer ${stranger}` })), '401 invalid_token')

  assert.equal(await errorOf(await post(three.bearer, {})), '400 invalid_redirect_uri', 'no use is spent')
  const answers = await Promise.all(Array.from({ length: 8 }, () => post(three.bearer)))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 201, ...Array(5).fill(401)])
  const [first] = answers.filter(({ status }) => status === 201)
  assert.ok(first)
  const app = await readRegistered(first, 201)
  assert.equal((await manage('GET', app, { token: three.secret })).status, 401, 'it manages nothing')
  assert.equal((await manage('GET', app)).status, 200, 'and managing needs none')
  assert.equal((await post({ Authorization: `Bearer ${app.registration_access_token}` })).status, 401)
  const [created] = await deeds(house, app.client_id)
  assert.deepEqual(created && { ...created.details }['registration_token' as never], three.id)

  const endless = await make(null)
  for (let count = 0; count < 5; count += 1) assert.equal((await post(endless.bearer)).status, 201)
  const short = await make(null, 60)
  assert.equal((await post(short.bearer)).status, 201)
  house.travel(61)
  assert.equal((await post(short.bearer)).status, 401)
  assert.ok(await deleteRegistrationToken(db, endless.id, byCommandLine))
  assert.equal(await deleteRegistrationToken(db, endless.id, byCommandLine), null)
  assert.equal((await post(endless.bearer)).status, 401)
  const home = await makeHome(t)
  const run = <T>(...words: string[]) =>
    runJson<T>(home, ['registration-token', ...words], { DATABASE_URL: house.databaseUrl })
  const made = await run<{ id: string; token: string; uses_left: number; expires_at: string }>(
    ...['create', '--name', 'by command', '--uses', '2', '--expires-in', '1h'],
  )
  assert.equal(made.uses_left, 2)
  assert.ok(Date.parse(made.expires_at) > Date.now() + 3_500_000)
  assert.equal((await post({ Authorization: `Bearer ${made.token}` })).status, 201)
  const listed = await run<{ id: string; uses_left: number | null }[]>('list')
  assert.doesNotMatch(JSON.stringify(listed), /bz_reg_/)
  assert.equal(listed.find(({ id }) => id === made.id)?.uses_left, 1)
  await run('delete', made.id)
  assert.equal((await post({ Authorization: `Bearer ${made.token}` })).status, 401)
  assert.deepEqual(
    (await listRegistrationTokens(db)).map(({ id, usesLeft }) => [id, usesLeft]),
    [
      [short.id, null],
      [three.id, 0],
    ],
  )
  const [kept] = await house.asOwner<{ rows: string }>(
    'select jsonb_agg(t)::text as rows from registration_tokens t',
  )
  assert.doesNotMatch(`${kept?.rows}${house.log()}`, /bz_reg_/, 'only hashes are kept')
  assert.deepEqual(
    (await deeds(house, endless.id)).map(({ action }) => action),
    ['registration_token.created', 'registration_token.deleted'],
  )
  for (const name of ['', ' ', 'x'.repeat(101), 'a\u0000'])
    await assert.rejects(
      createRegistrationToken(
        db,
        createFormat(house.profile.credentials.prefixes),
        { name, uses: null, expiresInSeconds: null, by: byCommandLine },
        house.now(),
      ),
      { code: 'invalid_parameter' },
    )
})
