// D1 to D11, A8, A9: apps that are named by the address of a document about them.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { readDocument } from '../../src/apps/client-metadata.ts'
import { freshSeconds } from '../../src/apps/document-freshness.ts'
import { documentUrlMistake } from '../../src/apps/document-url.ts'
import type { ClientId } from '../../src/core/ids.ts'
import { isPublicAddress } from '../../src/lib/public-address.ts'
import {
  authorizationUrl,
  errorOf,
  obtainTokens,
  postToken,
  reachConsent,
  redirectUri,
  refresh,
} from '../support/authorization.ts'
import { type House, type HouseOptions, startHouse } from '../support/house.ts'
import { json, type Outside, startOutside } from '../support/outside.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { manage, metadata, registerApp } from '../support/registration.ts'

const scope = 'read:bookings'
const email = 'olga@acme.example'

const asTests: NonNullable<HouseOptions['change']> = (profile) => {
  const clientMetadataDocuments = { enabled: true, mode: 'test' } as const
  return { ...profile, oauth: { ...profile.oauth, clientMetadataDocuments } }
}

interface Place {
  readonly house: House
  readonly outside: Outside
  /** Serves a document at a path of its own; what `change` says goes before the usual. */
  serve(change?: Readonly<Record<string, unknown>>, headers?: Readonly<Record<string, string>>): ClientId
  /** What the authorization endpoint says to such a client. */
  authorize(
    clientId: string,
    change?: Readonly<Record<string, string | null>>,
    address?: string,
  ): Promise<Answer>
  row(clientId: string): Promise<Row | undefined>
}

interface Answer {
  readonly status: number
  readonly location: string | null
  readonly text: string
}

interface Row {
  readonly name: string
  readonly fingerprint: Buffer
  readonly document_fresh_until: Date
  readonly verified_at: Date | null
  readonly redirect_uris: readonly string[]
  readonly scopes: readonly string[]
}

async function begin(t: TestContext, options: HouseOptions = {}): Promise<Place> {
  const outside = await startOutside(t)
  // Each request comes from an address of its own, as the proxy says, unless the test says which one.
  const env = { TRUST_PROXY: '1' }
  const house = await startHouse(t, {
    env,
    change: asTests,
    guardedFetch: outside.guardedFetch(),
    ...options,
  })
  let addresses = 0
  await house.person(email, await house.organization('Acme'))
  const documents = new Map<string, { body: unknown; headers: Readonly<Record<string, string>> }>()
  outside.answer = (req, res) => {
    const found = documents.get(req.url ?? '')
    if (found) json(res, found.body, found.headers)
    else res.writeHead(404, { 'Content-Type': 'application/json' }).end('{}')
  }
  return {
    house,
    outside,
    serve: (change = {}, headers = {}) => {
      const path = `/clients/${documents.size}.json`
      const url = outside.at(path) as ClientId // an https address
      documents.set(path, {
        body: { client_id: url, client_name: 'Calendar Sync', redirect_uris: [redirectUri], ...change },
        headers,
      })
      return url
    },
    authorize: async (clientId, change = {}, address = `198.51.100.${addresses++}`) => {
      const { url } = authorizationUrl(house.url, clientId, scope, change)
      const headers = { Accept: 'text/html', 'X-Forwarded-For': address }
      const response = await fetch(url, { redirect: 'manual', headers })
      return {
        status: response.status,
        location: response.headers.get('location'),
        text: (await response.text()).replaceAll('&#39;', "'"),
      }
    },
    row: async (clientId) =>
      (await house.asOwner<Row>('select * from oauth_apps where client_id = $1', [clientId]))[0],
  }
}

/** Answers with a document of the test's own making at the address. */
function serveAt({ outside }: Place, body: () => unknown, headers: Readonly<Record<string, string>> = {}) {
  outside.answer = (_req, res) => json(res, body(), headers)
}

test('D1: an app is named by an https address with a path, written in one way', () => {
  for (const url of [
    'https://app.example.com/client.json',
    'https://app.example.com/oauth/client-metadata?v=1',
    'https://app.example.com:8443/c',
    'https://xn--bcher-kva.example/c',
    'https://app.example.com/%C3%A9',
  ])
    assert.equal(documentUrlMistake(url), null, url)
  for (const url of [
    'http://app.example.com/c',
    'HTTPS://app.example.com/c',
    'https://app.example.com',
    'https://app.example.com/',
    'https://app.example.com?x=1',
    'https://app.example.com/c#f',
    'https://app.example.com/c#',
    'https://u@app.example.com/c',
    'https://u:p@app.example.com/c',
    'https://@app.example.com/c',
    'https://app.example.com/a/../c',
    'https://app.example.com/./c',
    'https://app.example.com/a/%2e%2E/c',
    'https://app.example.com/a/..',
    'https://app.example.com:443/c',
    'https://APP.example.com/c',
    'https://app.example.com./c',
    'https://2130706433/c',
    'https://0177.0.0.1/c',
    'https:/app.example.com/c',
    'https:\\\\app.example.com\\c',
    'https://app.example.com\\c',
    'https://app.example.com/c d',
    'https://',
  ])
    assert.match(documentUrlMistake(url) ?? '', /./, url)
})

test('D4: a document is used for as long as its answer says, from a minute to a day', () => {
  const seconds = (headers: Record<string, string>) => freshSeconds(headers)
  assert.equal(seconds({}), 3600)
  assert.equal(seconds({ 'cache-control': 'public, max-age=600' }), 600)
  assert.equal(seconds({ 'cache-control': 'max-age=600, s-maxage="900"' }), 900)
  assert.equal(seconds({ 'cache-control': 'max-age=600', age: '100' }), 500)
  assert.equal(seconds({ 'cache-control': 'max-age=1' }), 60)
  assert.equal(seconds({ 'cache-control': 'max-age=99999999999' }), 86_400)
  assert.equal(seconds({ 'cache-control': 'No-Store, max-age=600' }), 60)
  assert.equal(seconds({ 'cache-control': 'no-cache' }), 60)
  assert.equal(
    seconds({ date: 'Thu, 26 Nov 2026 10:00:00 GMT', expires: 'Thu, 26 Nov 2026 10:10:00 GMT' }),
    600,
  )
  assert.equal(seconds({ expires: '0' }), 3600)
  assert.equal(seconds({ 'cache-control': 'max-age=x', age: 'x' }), 3600)
})

test('documents: the whole way of an app that is named by one', async (t) => {
  const place = await begin(t)
  const { house, outside } = place

  await t.test('M5: the metadata says that such apps are taken', async () => {
    const response = await fetch(`${house.url}/.well-known/oauth-authorization-server`)
    const body = (await response.json()) as Record<string, unknown>
    assert.equal(body['client_id_metadata_document_supported'], true)
  })

  await t.test(
    'D4: asked for once, then used from what is kept, never asked for by the token endpoint',
    async () => {
      const clientId = place.serve({}, { 'Cache-Control': 'max-age=600' })
      const app = { clientId }
      const tokens = await obtainTokens(house.url, app, email, scope)
      assert.equal((await house.api('/bookings', tokens.access_token)).status, 200)
      assert.equal(outside.asked.length, 1)
      assert.equal((await refresh(house.url, app, tokens.refresh_token)).status, 200)
      house.travel(601)
      const again = await refresh(house.url, app, tokens.refresh_token)
      assert.notEqual(again.status, 401, 'it is known, however old')
      assert.equal(outside.asked.length, 1)
      const unknown = outside.at('/never-asked-for.json')
      for (const path of ['/oauth/token', '/oauth/revoke']) {
        const body = { client_id: unknown, grant_type: 'refresh_token', refresh_token: 'x', token: 'x' }
        const response = await fetch(house.url + path, { method: 'POST', body: new URLSearchParams(body) })
        assert.equal(await errorOf(response), '401 invalid_client', path)
      }
      assert.equal(outside.asked.length, 1)
      assert.equal((await place.authorize(clientId)).status, 303)
      assert.equal(outside.asked.length, 2, 'it was not fresh any more')
      const [told] = await house.asOwner<{ action: string; actor_kind: string; address: string }>(
        'select action, actor_kind, address from audit_events where target = $1 order by id',
        [clientId],
      )
      assert.deepEqual({ ...told }, { action: 'app.created', actor_kind: 'server', address: '127.0.0.1' })
    },
  )

  await t.test('A8, A9: it comes back on any port of this computer, and nowhere else', async () => {
    const clientId = place.serve({
      redirect_uris: ['http://127.0.0.1/cb', 'http://[::1]/cb', 'http://localhost/cb'],
    })
    for (const uri of ['http://127.0.0.1:51004/cb', 'http://[::1]:9/cb', 'http://localhost:8080/cb'])
      assert.equal((await place.authorize(clientId, { redirect_uri: uri })).status, 303, uri)
    for (const uri of [
      'http://127.0.0.1:51004/x',
      'https://127.0.0.1/cb',
      'http://127.0.0.1:1@evil.example/cb',
    ])
      assert.equal((await place.authorize(clientId, { redirect_uri: uri })).status, 400, uri)
  })

  await t.test('D2: another client_id than its address is refused, as is everything but 200', async () => {
    for (const other of [
      'https://other.example.com/c',
      undefined,
      null,
      7,
      [outside.at('/clients/0.json')],
    ]) {
      const { status, text } = await place.authorize(place.serve({ client_id: other }))
      assert.equal(status, 400)
      assert.match(text, /client_id/)
    }
    const { status, location, text } = await place.authorize(outside.at('/missing.json'))
    assert.deepEqual([status, location], [400, null])
    assert.match(text, /status 404/)
  })

  await t.test('D3: no secret, and no way to show one', async () => {
    const methods = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt']
    for (const method of methods)
      assert.match(
        (await place.authorize(place.serve({ token_endpoint_auth_method: method }))).text,
        /auth_method/,
      )
    for (const change of [{ client_secret: 'x' }, { client_secret: null }, { client_secret_expires_at: 0 }])
      assert.match((await place.authorize(place.serve(change))).text, /client_secret/)
    assert.equal((await place.authorize(place.serve({ token_endpoint_auth_method: 'none' }))).status, 303)
  })

  await t.test(
    'D10: without a name or redirect URIs, or with such as nobody may register, it is none',
    async () => {
      for (const name of [undefined, null, '', '  ', 7, 'x'.repeat(101), 'a\u202eb', 'a\u0000b'])
        assert.match(
          (await place.authorize(place.serve({ client_name: name }))).text,
          /client_name/,
          String(name),
        )
      const many = Array.from({ length: 21 }, (_, index) => `https://a.example/${index}`)
      for (const uris of [
        undefined,
        [],
        'x',
        [7],
        many,
        ['http://evil.example/cb'],
        ['myapp:/x'],
        ['https://*.x/'],
        ['https://a.example/\u0000'],
      ])
        assert.match(
          (await place.authorize(place.serve({ redirect_uris: uris }))).text,
          /redirect_uris/,
          String(uris),
        )
      for (const change of [
        { grant_types: ['implicit'] },
        { response_types: ['token'] },
        { grant_types: 'x' },
      ])
        assert.equal((await place.authorize(place.serve(change))).status, 400)
    },
  )

  await t.test('what was meant for other servers is left out, not refused', async () => {
    const clientId = place.serve({
      scope: `${scope} everything:else openid`,
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      client_uri: 'http://plain.example',
      logo_uri: 'http://127.0.0.1/logo.png',
      jwks_uri: 'https://127.0.0.1/jwks',
      application_type: 'web',
    })
    assert.equal((await place.authorize(clientId)).status, 303)
    assert.deepEqual((await place.row(clientId))?.scopes, [scope])
  })

  await t.test('D7: its logo is drawn anew and kept here; no page leads to where it came from', async () => {
    const { default: sharp } = await import('sharp')
    const create = { width: 40, height: 20, channels: 3, background: { r: 255, g: 0, b: 0 } } as const
    const jpeg = await sharp({ create }).jpeg().toBuffer()
    const before = outside.answer
    const types: Readonly<Record<string, string>> = {
      '/logo.jpg': 'image/jpeg',
      '/logo.svg': 'image/svg+xml',
      '/text.png': 'image/png',
    }
    outside.answer = (req, res) => {
      const type = types[req.url ?? '']
      if (type) res.writeHead(200, { 'Content-Type': type }).end(type === 'image/jpeg' ? jpeg : '<svg/>')
      else before(req, res)
    }
    const logoOf = async (id: string) => {
      await house.settle()
      const [row] = await house.asOwner<{ png: Buffer }>('select png from app_logos where client_id = $1', [
        id,
      ])
      return row?.png
    }
    const logoUri = outside.at('/logo.jpg')
    const clientId = place.serve({ logo_uri: logoUri })
    assert.equal((await place.authorize(clientId)).status, 303)
    const png = await logoOf(clientId)
    assert.ok(png)
    assert.equal((await sharp(png).metadata()).format, 'png')
    const browser = new PersonBrowser(house.url)
    const page = await reachConsent(browser, authorizationUrl(house.url, clientId, scope), email)
    assert.match(page.html, /Calendar Sync/)
    assert.doesNotMatch(page.html, /logo\.jpg/)

    const dynamic = await registerApp(house.url, { ...metadata, logo_uri: logoUri })
    assert.ok(await logoOf(dynamic.client_id))
    const without = { ...metadata, client_id: dynamic.client_id }
    assert.equal((await manage('PUT', dynamic, { body: without })).status, 200)
    assert.equal(await logoOf(dynamic.client_id), undefined)

    const connections = outside.connections()
    for (const uri of [outside.at('/logo.svg'), outside.at('/text.png'), 'https://127.0.0.1/logo.png']) {
      const other = await registerApp(house.url, { ...metadata, logo_uri: uri })
      assert.equal(await logoOf(other.client_id), undefined)
      const [told] = await house.asOwner<{ reason: string }>(
        'select reason from app_refusals where client_id = $1',
        [other.client_id],
      )
      assert.match(told?.reason ?? '', /^logo_uri: /)
    }
    assert.equal(outside.connections(), connections + 2)
    outside.answer = before
  })

  await t.test(
    'D8: another name, logo or redirect URI makes another fingerprint, and is not what the vendor verified',
    async () => {
      const clientId = place.serve()
      const say = (change: object) => {
        const document = {
          client_id: clientId,
          client_name: 'Calendar Sync',
          redirect_uris: [redirectUri],
          ...change,
        }
        outside.answer = (_req, res) => json(res, document)
      }
      const before = outside.answer
      const seen: string[] = []
      for (const change of [
        {},
        { client_name: 'Other' },
        { logo_uri: outside.at('/logo.png') },
        { redirect_uris: [redirectUri, 'https://a.example/'] },
        { client_uri: 'https://a.example/' },
      ]) {
        say(change)
        assert.equal((await place.authorize(clientId)).status, 303)
        const row = await place.row(clientId)
        assert.equal(row?.verified_at, null, 'nobody vouched for that')
        seen.push(String(row?.fingerprint.toString('hex')))
        await house.asOwner('update oauth_apps set verified_at = now() where client_id = $1', [clientId])
        house.travel(3601)
      }
      assert.equal(new Set(seen).size, 5)
      // Said in another order, or with more that nobody sees: the same.
      say({ redirect_uris: ['https://a.example/', redirectUri], policy_uri: 'https://a.example/privacy' })
      const [sameAs] = [seen[3]]
      assert.equal((await place.authorize(clientId)).status, 303)
      const row = await place.row(clientId)
      assert.equal(row?.fingerprint.toString('hex'), sameAs)
      await house.asOwner('update oauth_apps set verified_at = now() where client_id = $1', [clientId])
      house.travel(3601)
      assert.equal((await place.authorize(clientId)).status, 303)
      assert.ok((await place.row(clientId))?.verified_at, 'what people see is the same')
      const actions = await house.asOwner<{ action: string }>(
        'select action from audit_events where target = $1 order by id',
        [clientId],
      )
      assert.deepEqual(
        actions.map(({ action }) => action),
        ['app.created', ...Array(5).fill(['app.updated', 'app.unverified']).flat()],
      )
      await house.asOwner('update oauth_apps set is_stopped = true where client_id = $1', [clientId])
      house.travel(3601)
      const count = outside.asked.length
      const stopped = await place.authorize(clientId)
      assert.equal(stopped.status, 503)
      assert.match(stopped.text, /suspended/)
      assert.equal(outside.asked.length, count, 'and is not asked for')
      outside.answer = before
    },
  )

  await t.test(
    'D8, D9: the page says where the document is; another document is asked about anew',
    async () => {
      const sendsTo = 'https://app.example.com/callback'
      const clientId = place.serve({ redirect_uris: [sendsTo] })
      const browser = new PersonBrowser(house.url)
      const ask = () => authorizationUrl(house.url, clientId, scope, { redirect_uri: sendsTo })
      const consent = await reachConsent(browser, ask(), email)
      assert.match(consent.html, /client\.example\.com/, 'the host of the document')
      assert.match(consent.html, /app\.example\.com/, 'the host that the person is sent back to')
      const organization = /name="organization" id="[^"]+" value="([^"]+)"/.exec(consent.html)?.[1] ?? ''
      const allowed = await browser.submit(consent, { organization, decision: 'allow' })
      assert.match(allowed.url, /^https:\/\/app\.example\.com\/callback\?code=/)
      assert.match((await browser.open(ask().url)).url, /^https:\/\/app\.example\.com\/callback\?code=/)
      const before = outside.answer
      serveAt(place, () => ({ client_id: clientId, client_name: 'Other', redirect_uris: [sendsTo] }))
      house.travel(3601)
      const again = await reachConsent(browser, ask(), email)
      assert.match(again.html, /name="decision"/, 'it calls itself otherwise')
      outside.answer = before
    },
  )

  await t.test('A24: a broken request of an app that nobody knows leads nobody to it', async () => {
    const clientId = place.serve({ redirect_uris: ['https://evil.example/phish'] })
    const change = { redirect_uri: 'https://evil.example/phish', response_type: 'bogus' }
    const { status, location } = await place.authorize(clientId, change)
    assert.deepEqual([status, location], [400, null])
  })

  await t.test('D4: what is malformed is not remembered, and leads to one question each time', async () => {
    const clientId = place.serve({ client_name: '' })
    const count = outside.asked.length
    assert.equal((await place.authorize(clientId)).status, 400)
    assert.equal((await place.authorize(clientId, { response_type: 'bogus' })).status, 400)
    assert.equal(outside.asked.length, count + 2, 'once for a request, also where it fails')
    assert.equal(await place.row(clientId), undefined)
    const before = outside.answer
    serveAt(place, () => ({ client_id: clientId, client_name: 'Mended', redirect_uris: [redirectUri] }))
    assert.equal((await place.authorize(clientId)).status, 303)
    // What was good and is not any more is refused as soon as it is asked for again.
    serveAt(place, () => ({ client_id: clientId, redirect_uris: [redirectUri] }))
    assert.equal((await place.authorize(clientId)).status, 303)
    house.travel(3601)
    assert.match((await place.authorize(clientId)).text, /client_name/)
    await house.settle()
    const refusals = await house.asOwner<{ reason: string }>(
      'select reason from app_refusals where client_id = $1',
      [clientId],
    )
    assert.match(refusals.map(({ reason }) => reason).join(), /client_name/, 'its developers can read it')
    outside.answer = before
  })

  await t.test('hostile documents are no fault of ours', async () => {
    const before = outside.answer
    const raw = (body: string | Buffer) => {
      outside.answer = (_req, res) => {
        res.writeHead(200, { 'Content-Type': 'application/json' }).end(body)
      }
    }
    let at = 0
    for (const body of [
      ...[
        '',
        'null',
        '[]',
        '7',
        '"x"',
        '{',
        '{"client_id":',
        '['.repeat(5000),
        '{"__proto__":{"client_id":1}}',
      ],
      ...[Buffer.from([0xff, 0xfe, 0x7b, 0x7d]), Buffer.from('\ufeff{}'), 'x'.repeat(6000)],
    ]) {
      raw(body)
      at += 1
      const { status } = await place.authorize(outside.at(`/hostile/${at}.json`))
      assert.equal(status, 400, String(body).slice(0, 20))
    }
    for (const id of [
      ...[
        'https://',
        'https://%',
        'https://[',
        'https://x',
        'HTTPS://client.example.com/x',
        'http://client.example.com/x',
      ],
      ...[
        `https://client.example.com/${'x'.repeat(3000)}`,
        'https://client.example.com/\ud800',
        'https://ä.example/x',
      ],
      ...['https://client.example.com/x y', `https://client.example.com:${outside.port}/%zz`],
    ])
      assert.equal((await place.authorize(id)).status, 400, id)
    outside.answer = before
    assert.doesNotMatch(house.log(), /"level":50/)
  })
})

test('D5: what is not on the public internet is refused, and nobody was connected to', async (t) => {
  const outside = await startOutside(t)
  const addresses = ['127.0.0.1']
  const place = await begin(t, {
    guardedFetch: outside.guardedFetch({
      mayConnectTo: isPublicAddress,
      resolve: async () => addresses,
    }),
  })
  outside.answer = (_req, res) => json(res, {})
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
  ]) {
    addresses.splice(0, 1, address)
    const { status, text } = await place.authorize(outside.at('/client.json'))
    assert.equal(status, 400)
    assert.match(text, /not on the public internet/, address)
  }
  for (const host of [
    'localhost',
    'app.localhost',
    '127.0.0.1',
    '[::1]',
    '[::ffff:7f00:1]',
    '2130706433',
    'printer',
  ])
    assert.equal((await place.authorize(outside.at('/client.json', host))).status, 400, host)
  assert.equal((await place.authorize('https://client.example.com/client.json')).status, 400, 'another port')
  assert.equal(outside.connections(), 0)
})

test('D6: a server that does not answer costs 2.5 s once; an app that people use outlives it for a day', async (t) => {
  const outside = await startOutside(t)
  const place = await begin(t, { guardedFetch: outside.guardedFetch({ withinMs: 300 }) })
  const clientId = outside.at('/client.json') as ClientId // an https address
  const unknown = outside.at('/unknown.json')
  serveAt({ ...place, outside }, () => ({
    client_id: clientId,
    client_name: 'Sync',
    redirect_uris: [redirectUri],
  }))
  await obtainTokens(place.house.url, { clientId }, email, scope)
  outside.answer = () => {}
  const startedAt = performance.now()
  const attempts = await Promise.all(Array.from({ length: 10 }, () => place.authorize(unknown)))
  assert.ok(performance.now() - startedAt < 5000)
  for (const { status, text } of attempts) {
    assert.equal(status, 503)
    assert.match(text, /can not be reached/)
  }
  assert.equal((await place.authorize(unknown)).status, 503)
  assert.equal(
    outside.asked.filter((path) => path === '/unknown.json').length,
    1,
    'one question for all of them',
  )
  place.house.travel(3601)
  assert.equal((await place.authorize(clientId)).status, 303)
  place.house.travel(86_401)
  assert.equal((await place.authorize(clientId)).status, 503)
})

test('D4: many at once, on two servers, make one app and one question each', async (t) => {
  const place = await begin(t)
  const other = await startHouse(t, {
    change: asTests,
    databaseUrl: place.house.databaseUrl,
    guardedFetch: place.outside.guardedFetch(),
  })
  const clientId = place.serve()
  const ask = (house: House) =>
    fetch(authorizationUrl(house.url, clientId, scope).url, { redirect: 'manual' })
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, index) => ask(index % 2 ? other : place.house)),
  )
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [303])
  assert.ok(place.outside.asked.length <= 2, String(place.outside.asked.length))
  const [count] = await place.house.asOwner<{ count: string }>(
    `select count(*) from audit_events where action = 'app.created' and target = $1`,
    [clientId],
  )
  assert.equal(count?.count, '1')
})

test('one address may have us ask so often; what is kept needs no asking', async (t) => {
  const place = await begin(t)
  const known = place.serve()
  assert.equal((await place.authorize(known)).status, 303)
  const statuses: number[] = []
  for (let count = 0; count < 31; count += 1)
    statuses.push((await place.authorize(place.outside.at(`/none/${count}.json`), {}, '203.0.113.1')).status)
  assert.deepEqual([...new Set(statuses.slice(0, 30))], [400])
  assert.equal(statuses.at(-1), 503)
  assert.equal(place.outside.asked.length, 31)
  assert.equal((await place.authorize(known, {}, '203.0.113.1')).status, 303)
})

test('where the profile does not take documents, no such app is known and nothing is asked for', async (t) => {
  const place = await begin(t, {
    change: (profile) => {
      const clientMetadataDocuments = { enabled: false, mode: 'test' } as const
      return { ...profile, oauth: { ...profile.oauth, clientMetadataDocuments } }
    },
  })
  const response = await fetch(`${place.house.url}/.well-known/oauth-authorization-server`)
  assert.ok(!('client_id_metadata_document_supported' in ((await response.json()) as object)))
  assert.equal((await place.authorize(place.serve())).status, 400)
  assert.equal(place.outside.connections(), 0)
  const body = { client_id: place.serve(), grant_type: 'refresh_token', refresh_token: 'x' }
  assert.equal(await errorOf(await postToken(place.house.url, body)), '401 invalid_client')
})

test('D3: a document is read as strictly whatever it is', () => {
  const url = 'https://app.example.com/c'
  for (const odd of [null, undefined, 7, 'x', [], new Date(), { client_id: url }])
    assert.throws(() => readDocument(odd, url, [scope]), { name: 'Error' })
})
