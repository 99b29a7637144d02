// The API under every host of ours is one API, and nothing else is there; no text in a request makes another host ours.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { apiServers, equalHostsDomain } from '../../src/core/equal-hosts.ts'
import { exchange, obtainCode, readTokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { makeKey, signProof } from '../support/proof.ts'
import { ask, publish } from '../support/published-hosts.ts'

const site = 'https://app.boothzen.com'
const scopes = ['read:bookings', 'write:bookings']
const json = { 'Content-Type': 'application/json' }

/** The API's addresses on every host of ours; `acme` is the organization whose credential is used. */
const bases: readonly (readonly [host: string, base: string])[] = [
  ['app.boothzen.com', '/api/v1'],
  ['acme.boothzen.com', '/api/v1'],
  ['other.boothzen.com', '/api/v1'],
  ['nobody.boothzen.com', '/api/v1'],
  ['api.boothzen.com', '/api/v1'],
  ['api.boothzen.com', '/v1'],
  ['API.BoothZen.com', '/v1'],
  ['api.boothzen.com:443', '/v1'],
  ['api.boothzen.com.', '/v1'],
]

test('only beside the canonical label of a domain are there hosts of ours', () => {
  const hosts = { canonical: 'app', organizations: true, shortForms: { api: '/v1' }, documentation: null }
  const profile = { hosts, basePath: '/api/v1' }
  for (const [publicUrl, domain] of [
    ['https://app.boothzen.com', 'boothzen.com'],
    ['https://app.booths.example.co.uk', 'booths.example.co.uk'],
    ['https://app.boothzen.com:8443', 'boothzen.com:8443'],
    ['http://localhost:3000', 'localhost:3000'],
    // What is beside these is others': https://evil.com beside https://boothzen.com.
    ['https://boothzen.com', null],
    ['https://example.co.uk', null],
    ['https://app.io', null],
    ['https://console.boothzen.com', null],
    ['https://app', null],
    ['https://192.0.2.7', null],
    ['https://[2001:db8::1]', null],
    ['http://127.0.0.1:3000', null],
  ] as const) {
    assert.equal(equalHostsDomain(publicUrl, profile), domain, publicUrl)
    const listed = apiServers(publicUrl, profile).length
    assert.equal(listed, domain === null || publicUrl.includes('localhost') ? 1 : 3, publicUrl)
  }
  const none = {
    hosts: { ...hosts, organizations: false, shortForms: {}, documentation: null },
    basePath: '/api/v1',
  }
  assert.equal(equalHostsDomain('https://app.boothzen.com', none), null)
})

const plain = (text: string) => text.replaceAll(/(req|bk)_[0-9A-HJKMNP-TV-Z]{26}/g, '$1_')

test('the API under every host of ours', async (t) => {
  const house = await startHouse(t, { env: { PUBLIC_URL: site } })
  publish('boothzen.com', house)
  const acme = await house.organization('Acme')
  const other = await house.organization('Other')
  const email = 'ann@acme.example'
  await house.person(email, acme)
  const booking = {
    starts_at: '2027-03-01T10:00:00Z',
    ends_at: '2027-03-01T13:00:00Z',
    customer_id: `cu_${'1'.repeat(26)}`,
    total: { amount: 45_000, currency: 'GBP' },
  }
  const live = `bk_${'1'.repeat(26)}`
  await house.rows(acme, 'live', 'bookings', [{ id: live, ...booking }])
  await house.rows(other, 'live', 'bookings', [{ id: `bk_${'2'.repeat(26)}`, ...booking }])

  await t.test('bodies, scopes, limits and envelopes are the same, and one count is kept', async () => {
    const requests: [string, string, string?][] = [
      ['GET', '/me'],
      ['GET', `/bookings/${live}`],
      ['GET', '/bookings?limit=1'],
      ['HEAD', '/bookings'],
      ['POST', '/bookings', JSON.stringify(booking)],
      ['POST', '/bookings', '{'],
      ['GET', '/customers'],
      ['GET', '/bookings?limit=0'],
      ['GET', '/nowhere'],
      ['DELETE', '/bookings'],
    ]
    for (const [method, path, body] of requests) {
      const { secret } = await house.key(acme, 'live', scopes)
      const answers: unknown[] = []
      let left = 600
      for (const [host, base] of bases) {
        const headers = { ...json, Host: host, Authorization: `Bearer ${secret}` }
        const answer = await ask(house, {
          method,
          target: base + path,
          headers,
          ...(body === undefined ? {} : { body }),
        })
        left -= 1
        assert.equal(
          answer.headers.get('ratelimit-remaining'),
          String(left),
          `${method} ${host}${base}${path}`,
        )
        const names = [...answer.headers.keys()].filter((name) => name !== 'content-length').sort()
        const told = ['ratelimit-limit', 'x-boothzen-scope', 'content-type', 'www-authenticate', 'allow']
        answers.push([
          answer.status,
          names,
          told.map((name) => answer.headers.get(name)),
          plain(await answer.text()),
        ])
      }
      for (const answer of answers) assert.deepEqual(answer, answers[0], `${method} ${path}`)
    }
  })

  await t.test('whose data it is, the credential says, on whichever host', async () => {
    const { secret } = await house.key(other, 'live', scopes)
    for (const [host, base] of bases) {
      const headers = { Host: host, Authorization: `Bearer ${secret}` }
      const me = (await (await ask(house, { target: `${base}/me`, headers })).json()) as Record<
        string,
        unknown
      >
      assert.equal(me['organization_id'], other.id, host)
      assert.equal((await ask(house, { target: `${base}/bookings/${live}`, headers })).status, 404, host)
    }
  })

  await t.test('everything else is on the canonical host alone', async () => {
    const paths = [
      '/oauth/authorize',
      '/oauth/token',
      '/oauth/register',
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-protected-resource/api/v1',
      '/sign-in',
      '/admin',
      '/admin/settings/api-keys',
      '/assets/none.js',
    ]
    const elsewhere = [...new Set(bases.map(([host]) => host)), 'app.boothzen.com.', 'evil.example']
    for (const path of paths) {
      for (const host of elsewhere.filter((it) => it !== 'app.boothzen.com')) {
        for (const method of ['GET', 'POST']) {
          const answer = await ask(house, { method, target: path, headers: { Host: host } })
          assert.equal(answer.status, 421, `${method} ${host} ${path}`)
          assert.equal(answer.headers.get('set-cookie'), null)
        }
      }
      for (const host of ['app.boothzen.com', 'APP.boothzen.com', 'app.boothzen.com:443'])
        assert.notEqual(
          (await ask(house, { target: path, headers: { Host: host } })).status,
          421,
          `${host} ${path}`,
        )
    }
    const shortOnly = await ask(house, { target: '/v1/me', headers: { Host: 'acme.boothzen.com' } })
    assert.equal(shortOnly.status, 421, 'the short form is on its own host')
  })

  await t.test('the document is served on each, and lists them all', async () => {
    const [first, ...more] = await Promise.all(
      bases.map(async ([host, base]) =>
        (await ask(house, { target: `${base}/openapi.json`, headers: { Host: host } })).text(),
      ),
    )
    for (const text of more) assert.equal(text, first)
    const { servers } = JSON.parse(first ?? '') as { servers: object[] }
    assert.deepEqual(servers, [
      { url: 'https://app.boothzen.com/api/v1', description: 'The canonical one.' },
      {
        url: 'https://{slug}.boothzen.com/api/v1',
        description: 'Equal to the first: whose data it is, the credential says.',
        variables: { slug: { default: 'app', description: 'The slug of an organization.' } },
      },
      { url: 'https://api.boothzen.com/v1', description: 'Equal to the first.' },
    ])
  })

  await t.test('a proof is for the host that was asked, if it is ours, and for no other', async () => {
    const key = await makeKey()
    const app = await house.app(acme, { mode: 'live', requiresDpop: true })
    const code = await obtainCode(site, app, email, 'read:bookings')
    const DPoP = await signProof(key, { url: `${site}/oauth/token` })
    const { access_token: token } = await readTokens(await exchange(site, app, code, { DPoP }))
    /** The status of a request with this head, and a proof that names `htu`. */
    const send = async (head: readonly string[], htu: string) => {
      const proof = await signProof(key, { method: 'GET', url: htu, accessToken: token })
      const answer = await sendBytes(house, [
        ...head,
        `Authorization: DPoP ${token}`,
        `DPoP: ${proof}`,
        'Connection: close',
      ])
      return Number(answer.split(' ')[1])
    }
    const at = (host: string, path = '/api/v1/me') => [`GET ${path} HTTP/1.1`, `Host: ${host}`]

    for (const [name, head, htu] of [
      ['canonical', at('app.boothzen.com'), `${site}/api/v1/me`],
      ['a slug', at('acme.boothzen.com'), 'https://acme.boothzen.com/api/v1/me'],
      ['the slug of another', at('other.boothzen.com'), 'https://other.boothzen.com/api/v1/me'],
      ['the short form', at('api.boothzen.com', '/v1/me'), 'https://api.boothzen.com/v1/me'],
      ['capitals', at('ACME.BoothZen.COM'), 'https://acme.boothzen.com/api/v1/me'],
      ['capitals in the proof', at('acme.boothzen.com'), 'https://ACME.BoothZen.com/api/v1/me'],
      ["https's own port", at('acme.boothzen.com:443'), 'https://acme.boothzen.com/api/v1/me'],
      ["https's own port in the proof", at('acme.boothzen.com'), 'https://acme.boothzen.com:443/api/v1/me'],
      ['with a query', at('acme.boothzen.com', '/api/v1/me?x=1'), 'https://acme.boothzen.com/api/v1/me'],
      [
        'an absolute target',
        ['GET http://acme.boothzen.com/api/v1/me HTTP/1.1', 'Host: app.boothzen.com'],
        'https://acme.boothzen.com/api/v1/me',
      ],
      ['an unknown host, as behind a proxy that writes its own', at('10.0.0.7:3000'), `${site}/api/v1/me`],
    ] as const)
      assert.equal(await send(head, htu), 200, name)

    for (const [name, head, htu] of [
      ['a host of ours, a proof for another of ours', at('acme.boothzen.com'), `${site}/api/v1/me`],
      ['canonical, a proof for a slug', at('app.boothzen.com'), 'https://acme.boothzen.com/api/v1/me'],
      ['another scheme', at('acme.boothzen.com'), 'http://acme.boothzen.com/api/v1/me'],
      ['another path', at('acme.boothzen.com'), 'https://acme.boothzen.com/api/v1/bookings'],
      ...foreign.map(([host, name]) => [host, at(host), `https://${name}/api/v1/me`] as const),
      ...foreign.map(([host]) => [`${host}, literally`, at(host), `https://${host}/api/v1/me`] as const),
      [
        'an absolute target elsewhere',
        ['GET http://evil.example/api/v1/me HTTP/1.1', 'Host: acme.boothzen.com'],
        'https://evil.example/api/v1/me',
      ],
      [
        'an absolute target that overrules',
        ['GET http://app.boothzen.com/api/v1/me HTTP/1.1', 'Host: acme.boothzen.com'],
        'https://acme.boothzen.com/api/v1/me',
      ],
      [
        'an absolute target with a name in it',
        ['GET http://evil.example@acme.boothzen.com/api/v1/me HTTP/1.1', 'Host: app.boothzen.com'],
        'https://evil.example/api/v1/me',
      ],
      [
        'two Hosts, the first of which is ours',
        [...at('acme.boothzen.com'), 'Host: evil.example'],
        'https://acme.boothzen.com/api/v1/me',
      ],
      [
        'X-Forwarded-Host',
        [...at('app.boothzen.com'), 'X-Forwarded-Host: acme.boothzen.com'],
        'https://acme.boothzen.com/api/v1/me',
      ],
    ] as const)
      assert.ok([400, 401].includes(await send(head, htu)), name)
  })
})

/** Hosts that a request may name, and the host that somebody may have got a proof for: none of them is ours. */
const foreign: readonly (readonly [sent: string, host: string])[] = [
  ['evil.example', 'evil.example'],
  ['evil.com', 'evil.com'],
  ['boothzen.com', 'boothzen.com'],
  ['.boothzen.com', 'boothzen.com'],
  ['a.b.boothzen.com', 'a.b.boothzen.com'],
  ['acme.boothzen.com.evil.example', 'acme.boothzen.com.evil.example'],
  ['acmeboothzen.com', 'acmeboothzen.com'],
  ['acme.boothzen.com.', 'acme.boothzen.com.'],
  ['acme.boothzen.com:8443', 'acme.boothzen.com:8443'],
  ['acme.boothzen.com:80', 'acme.boothzen.com:80'],
  ['acme.boothzen.com:', 'acme.boothzen.com'],
  ['acme.boothzen.com:443:443', 'acme.boothzen.com'],
  ['evil@x.boothzen.com', 'evil@x.boothzen.com'],
  ['evil%2eexample/x.boothzen.com', 'evil.example/x.boothzen.com'],
  ['evil%2eexample?x.boothzen.com', 'evil.example'],
  ['evil%2eexample#.boothzen.com', 'evil.example'],
  ['evil%2eexample\\x.boothzen.com', 'evil.example/x.boothzen.com'],
  ['[2001:db8::1]/x.boothzen.com', '[2001:db8::1]/x.boothzen.com'],
  ['2130706433/x.boothzen.com', '127.0.0.1/x.boothzen.com'],
  ['xn--.boothzen.com%00', 'boothzen.com'],
  ['-.boothzen.com', '-.boothzen.com'],
  ['', 'boothzen.com'],
]

/** A request as bytes, and what is answered. */
function sendBytes({ url }: House, head: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () =>
      socket.write(`${head.join('\r\n')}\r\n\r\n`),
    )
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    socket.on('end', () => resolve(text)).on('error', reject)
  })
}
