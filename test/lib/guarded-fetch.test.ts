// U10, D2, D5, D6: whom we ask when a stranger gives us an address, and what we take for an answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FetchFailure, type Wanted } from '../../src/lib/guarded-fetch.ts'
import { isPublicAddress } from '../../src/lib/public-address.ts'
import { json, outsideHost, startOutside } from '../support/outside.ts'

const wanted: Wanted = { mostBytes: 5 * 1024, accept: 'application/json', type: /^application\/json$/ }

const special = [
  ...['0.0.0.0', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.255.255.255', '169.254.169.254', '172.16.0.1'],
  ...['192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1'],
  ...['224.0.0.1', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1', '64:ff9b::7f00:1'],
  ...['64:ff9b::808:808', '64:ff9b:1::1', '2002:7f00:1::', '2002:808:808::1', '2001::1', '2001:2::1'],
  ...['2001:10::1', '2001:20::1', '2001:db8::1', '3fff::1', '5f00::1', '100::1', 'fc00::1', 'fd00:ec2::254'],
  ...['fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '4000::1'],
  ...['', 'localhost', '127.1', '0177.0.0.1', '0x7f000001', '2130706433', '8.8.8.8.', ' 8.8.8.8', '8.8.8'],
]

test('D5: an address is public only where it is plainly one of the internet', () => {
  for (const address of special) assert.equal(isPublicAddress(address), false, address)
  for (const address of [
    '8.8.8.8',
    '1.1.1.1',
    '100.128.0.1',
    '172.32.0.1',
    '2606:4700::1111',
    '2a00:1450::1',
  ])
    assert.equal(isPublicAddress(address), true, address)
})

test('D5: what resolves to a special address is refused, and nobody was connected to', async (t) => {
  const outside = await startOutside(t)
  outside.answer = (_req, res) => json(res, {})
  const resolved: string[] = []
  for (const addresses of [
    ...special.map((one) => [one]),
    ['8.8.8.8', '127.0.0.1'],
    ['127.0.0.1', '8.8.8.8'],
  ]) {
    const fetch = outside.guardedFetch({
      mayConnectTo: isPublicAddress,
      resolve: async (host) => {
        resolved.push(host)
        return addresses
      },
    })
    await refused(fetch(outside.at('/client.json'), wanted), /not on the public internet/)
  }
  assert.equal(resolved.length, special.length + 2)
  // Hosts that are addresses, in every spelling that a URL has for them.
  const hosts = [
    ...[
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0177.0.0.1',
      '0x7f.1',
      '0x7f000001',
      '10.0.0.1',
      '169.254.169.254',
    ],
    ...[
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      '[fe80::1]',
    ],
    ...['①②⑦.⓪.⓪.①', '127.0.0.1.', '0'],
  ]
  const before = resolved.length
  const strict = outside.guardedFetch({
    mayConnectTo: isPublicAddress,
    resolve: async (host) => {
      resolved.push(host)
      return ['8.8.8.8']
    },
  })
  for (const host of hosts) await refused(strict(outside.at('/', host), wanted), /public internet/)
  const names = [
    'localhost',
    'localhost.',
    'a.localhost',
    'printer',
    'printer.local',
    'db.internal',
    'x.home.arpa',
  ]
  for (const host of names) await refused(strict(outside.at('/', host), wanted), /public internet/)
  assert.equal(resolved.length, before, 'no resolver was asked for them')
  assert.equal(outside.connections(), 0)
})

test('U10: the name is asked for once, and the address that was checked is the one connected to', async (t) => {
  const outside = await startOutside(t)
  outside.answer = (req, res) =>
    json(res, { host: req.headers.host, encoding: req.headers['accept-encoding'] })
  let asked = 0
  const fetch = outside.guardedFetch({
    // A second answer would lead elsewhere.
    resolve: async () => [asked++ === 0 ? '127.0.0.1' : '127.0.0.2'],
  })
  const { body } = await fetch(outside.at('/client.json'), wanted)
  assert.equal(asked, 1)
  assert.deepEqual(JSON.parse(body.toString()), {
    host: `${outsideHost}:${outside.port}`,
    encoding: 'identity',
  })
})

test('U10: https alone, its port alone, no user, and a certificate for that very name', async (t) => {
  const outside = await startOutside(t)
  outside.answer = (_req, res) => json(res, {})
  const fetch = outside.guardedFetch()
  await refused(fetch(`http://${outsideHost}:${outside.port}/`, wanted), /no https/)
  await refused(fetch('ftp://client.example.com/', wanted), /no https/)
  await refused(fetch('not an address', wanted), /no https/)
  await refused(fetch(`https://${outsideHost}/`, wanted), /port/)
  await refused(fetch(`https://u:p@${outsideHost}:${outside.port}/`, wanted), /user/)
  assert.equal(outside.connections(), 0)
  const failed = await failure(fetch(outside.at('/', 'other.example.net'), wanted))
  assert.equal(failed.kind, 'unreachable')
  assert.match(failed.message, /CERT/)
  assert.deepEqual(outside.asked, [])
})

test('D2: a redirect, an error, a wrong type or a compressed answer is no answer', async (t) => {
  const outside = await startOutside(t)
  const fetch = outside.guardedFetch()
  const type = { 'Content-Type': 'application/json' }
  for (const status of [201, 204, 301, 302, 303, 307, 308, 400, 404, 500, 503]) {
    outside.answer = (_req, res) => {
      res.writeHead(status, { ...type, Location: outside.at('/other') }).end(status === 204 ? '' : '{}')
    }
    await refused(fetch(outside.at('/client.json'), wanted), new RegExp(`status ${status}`))
  }
  assert.ok(!outside.asked.includes('/other'))
  for (const headers of [{}, { 'Content-Type': 'text/html' }, { 'Content-Type': 'application/jsonp' }]) {
    outside.answer = (_req, res) => {
      res.writeHead(200, headers).end('{}')
    }
    await refused(fetch(outside.at('/'), wanted), /Content-Type/)
  }
  outside.answer = (_req, res) => {
    res.writeHead(200, { ...type, 'Content-Encoding': 'gzip' }).end('{}')
  }
  await refused(fetch(outside.at('/'), wanted), /compressed/)
})

test('D6: more than 5 KB is refused, told beforehand or not, and 2.5 s are all there are', async (t) => {
  const outside = await startOutside(t)
  const fetch = outside.guardedFetch({ withinMs: 400 })
  const type = { 'Content-Type': 'application/json' }
  const body = (length: number) => JSON.stringify('x'.repeat(length - 2))
  outside.answer = (_req, res) => {
    res.writeHead(200, type).end(body(5 * 1024))
  }
  assert.equal((await fetch(outside.at('/'), wanted)).body.length, 5 * 1024)
  outside.answer = (_req, res) => {
    res.writeHead(200, { ...type, 'Content-Length': String(6000) }).end(body(6000))
  }
  await refused(fetch(outside.at('/'), wanted), /larger than 5120/)
  outside.answer = (_req, res) => {
    res.writeHead(200, type)
    const more = () => res.write('x'.repeat(1000)) && !res.destroyed && setTimeout(more, 5)
    more()
  }
  await refused(fetch(outside.at('/'), wanted), /larger than 5120/)

  outside.answer = () => {}
  const startedAt = performance.now()
  await unreachable(fetch(outside.at('/'), wanted), /no answer within 400 ms/)
  outside.answer = (_req, res) => {
    res.writeHead(200, type)
    const drip = setInterval(() => res.write(' '), 50)
    res.on('close', () => clearInterval(drip))
  }
  await unreachable(fetch(outside.at('/'), wanted), /no answer within 400 ms/)
  const deaf = outside.guardedFetch({ withinMs: 400, resolve: () => new Promise(() => {}) })
  await unreachable(deaf(outside.at('/'), wanted), /no answer within 400 ms/)
  assert.ok(performance.now() - startedAt < 4000)
  outside.answer = (req) => req.socket.destroy()
  await unreachable(fetch(outside.at('/'), wanted), /no connection/)
  const gone = outside.guardedFetch({ resolve: async () => [] })
  await unreachable(gone(outside.at('/'), wanted), /no address/)
})

test('U10: so many are asked at once, so many wait, and the others are told at once', async (t) => {
  const outside = await startOutside(t)
  let open = 0
  let most = 0
  outside.answer = (_req, res) => {
    open += 1
    most = Math.max(most, open)
    setTimeout(() => {
      open -= 1
      json(res, {})
    }, 100)
  }
  const fetch = outside.guardedFetch({ atOnce: 2, waiting: 3 })
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => fetch(outside.at('/'), wanted)))
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 5)
  assert.equal(most, 2)
  // Whoever gave up waiting leaves its place to others.
  outside.answer = () => {}
  const impatient = outside.guardedFetch({ atOnce: 1, waiting: 1, withinMs: 150 })
  await Promise.allSettled([impatient(outside.at('/'), wanted), impatient(outside.at('/'), wanted)])
  outside.answer = (_req, res) => json(res, {})
  assert.equal((await impatient(outside.at('/'), wanted)).body.toString(), '{}')
})

async function failure(attempt: Promise<unknown>): Promise<FetchFailure> {
  const thrown: unknown = await attempt.then(
    () => assert.fail('it was fetched'),
    (cause: unknown) => cause,
  )
  assert.ok(thrown instanceof FetchFailure, String(thrown))
  return thrown
}

async function refused(attempt: Promise<unknown>, why: RegExp): Promise<void> {
  const { kind, message } = await failure(attempt)
  assert.match(message, why)
  assert.equal(kind, 'refused', message)
}

async function unreachable(attempt: Promise<unknown>, why: RegExp): Promise<void> {
  const { kind, message } = await failure(attempt)
  assert.match(message, why)
  assert.equal(kind, 'unreachable', message)
}
