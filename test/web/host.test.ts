// PUBLIC_URL decides every address that we emit: U9, M1, M2, and what pages forbid: A26, A27, U6.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { authorizationUrl } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'

interface Answer {
  readonly status: number
  readonly headers: string
  readonly body: string
}

/** A request with headers that fetch would not send. */
function ask(url: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { Accept: 'text/html', ...headers } }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text) => {
        body += text
      })
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: JSON.stringify(response.headers), body })
      })
    })
      .on('error', reject)
      .end()
  })
}

/** A request as bytes. */
function send(house: House, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(Number(new URL(house.url).port), '127.0.0.1', () =>
      socket.end(`${lines.join('\r\n')}\r\n\r\n`),
    )
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    socket.on('end', () => resolve(text)).on('error', reject)
  })
}

test('U9: a foreign Host is told to go away, a foreign X-Forwarded-Host changes nothing', async (t) => {
  const house = await startHouse(t)
  const app = await house.app(await house.organization('Acme'))
  const addresses = [
    `${house.url}/.well-known/oauth-authorization-server`,
    `${house.url}/.well-known/oauth-protected-resource/api/v1`,
    authorizationUrl(house.url, app.clientId, 'read:bookings').url,
    `${house.url}/sign-in`,
    `${house.url}/docs`,
    `${house.url}/docs/authentication`,
    `${house.url}/docs/errors.md`,
    `${house.url}/llms.txt`,
  ]
  for (const url of addresses) {
    for (const host of [
      'evil.example',
      'evil.example:80',
      'localhost@evil.example',
      'localhost.',
      'localhost.evil.example',
    ]) {
      const answer = await ask(url, { Host: host })
      assert.equal(answer.status, 421, `${host} ${url}`)
      assert.ok(
        !answer.headers.includes('evil.example') && !answer.body.includes('evil.example'),
        `${host} ${url}`,
      )
    }
    const plain = await ask(url, {})
    const forwarded = await ask(url, {
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'https',
      Forwarded: 'host=evil.example',
    })
    assert.equal(forwarded.status, plain.status)
    assert.ok(!(forwarded.headers + forwarded.body).includes('evil.example'), url)
  }
  assert.deepEqual(await house.database.knex('interactions').whereRaw(`payload::text like '%evil%'`), [])
})

test('every address in the metadata is ours, whoever asks on whichever name of this machine', async (t) => {
  const house = await startHouse(t)
  const port = new URL(house.url).port
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `LOCALHOST:${port}`]) {
    const { status, body } = await ask(`${house.url}/.well-known/oauth-authorization-server`, { Host: host })
    assert.equal(status, 200)
    const metadata = JSON.parse(body) as Record<string, unknown>
    assert.equal(metadata['issuer'], house.url, 'M1')
    for (const [name, value] of Object.entries(metadata)) {
      if (/_(endpoint|uri)$/.test(name))
        assert.ok(String(value).startsWith(`${house.url}/`), `${name}: ${value}`)
    }
    assert.equal(metadata['authorization_response_iss_parameter_supported'], true, 'M4')
  }
})

test('U9: an absolute address in the request line, or two Hosts, do not overrule ours', async (t) => {
  const house = await startHouse(t)
  const path = '/.well-known/oauth-authorization-server'
  const { host } = new URL(house.url)
  const absolute = await send(house, [
    `GET http://evil.example${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: close',
  ])
  assert.match(absolute, /^HTTP\/1\.1 421/)
  assert.doesNotMatch(absolute, /evil\.example/)
  const twice = await send(house, [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Host: evil.example',
    'Connection: close',
  ])
  assert.doesNotMatch(twice, /evil\.example/)
  assert.match(twice, /^HTTP\/1\.1 4\d\d/)
})

test('the API and the health checks answer on any host; the organization comes from the credential', async (t) => {
  const house = await startHouse(t)
  const { secret, key } = await house.key(await house.organization('Acme'), 'test', ['read:bookings'])
  const me = await ask(`${house.url}/api/v1/me`, {
    Host: 'other-slug.example',
    Authorization: `Bearer ${secret}`,
  })
  assert.equal(me.status, 200)
  assert.equal((JSON.parse(me.body) as { organization_id: string }).organization_id, key.organization)
  const refused = await ask(`${house.url}/api/v1/me`, { Host: 'evil.example' })
  assert.ok(!refused.headers.includes('evil.example'))
  assert.equal((await ask(`${house.url}/healthz`, { Host: '10.0.0.7' })).status, 200)
})

test('A26, A27, U6: pages can not be framed, run no foreign script, and tell no one where we were', async (t) => {
  const house = await startHouse(t)
  const app = await house.app(await house.organization('Acme'))
  const pages = [
    '/docs',
    '/docs/reference',
    '/sign-in',
    '/setup?token=x',
    '/no-such-page',
    new URL(authorizationUrl(house.url, 'x', 'y').url),
  ]
  const signIn = await fetch(authorizationUrl(house.url, app.clientId, 'read:bookings').url)
  for (const page of [signIn, ...(await Promise.all(pages.map((path) => fetch(new URL(path, house.url)))))]) {
    const policy = page.headers.get('content-security-policy') ?? ''
    for (const part of [
      "default-src 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "script-src 'self'",
    ]) {
      assert.ok(policy.includes(part), `${page.url} ${part}`)
    }
    assert.doesNotMatch(policy, /unsafe|\*|https:/)
    assert.equal(page.headers.get('x-frame-options'), 'DENY')
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(page.headers.get('referrer-policy'), 'same-origin')
    assert.equal(page.headers.get('cache-control'), 'no-store')
    const html = await page.text()
    assert.doesNotMatch(
      html,
      /<script(?![^>]* src="\/assets\/)|<style|style="| on[a-z]+="/,
      `${page.url}: nothing inline`,
    )
    assert.doesNotMatch(
      html.replaceAll(house.url, ''),
      /(src|href)="https?:/,
      `${page.url}: nothing from elsewhere`,
    )
  }
})

test('U7: behind https the cookies are bound to our host, and the engine believes that it is https', async (t) => {
  const house = await startHouse(t, { env: { PUBLIC_URL: 'https://app.example.test' } })
  const app = await house.app(await house.organization('Acme'))
  const host = { Host: 'app.example.test' }
  const { pathname, search } = new URL(authorizationUrl(house.url, app.clientId, 'read:bookings').url)
  const answer = await ask(`${house.url}${pathname}${search}`, host)
  assert.equal(answer.status, 303)
  assert.match(
    answer.headers,
    /__Secure-latchkey_interaction=[^;]+; path=\/interaction\/[^;]+;[^"]*samesite=lax; secure; httponly/i,
  )
  const page = await ask(`${house.url}/sign-in`, host)
  assert.match(page.headers, /__Host-latchkey_browser=[^;]+; path=\/; samesite=lax; secure; httponly/i)
  assert.match(page.headers, /"strict-transport-security":"max-age=31536000"/)
  const metadata = await ask(`${house.url}/.well-known/oauth-authorization-server`, host)
  assert.match(metadata.body, /"token_endpoint":"https:\/\/app\.example\.test\/oauth\/token"/)
})
