// The ordinary refresh goes by a way of its own, before the engine: whoever asks can't tell by which way the answer
// came. The same request with a query goes by the engine.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '../../src/apps/app.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { obtainTokens, type Tokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'

const scope = 'read:bookings read:customers'
const email = 'ann@acme.example'
const ways = { lean: '/oauth/token', engine: '/oauth/token?by=engine' } as const
type Way = keyof typeof ways

/** Of an error page, which tells when and for which request it was made. */
const times = /\d{4}-\d\d-\d\dT[\d:.]+Z/g

interface Answer {
  readonly status: number | undefined
  /** But for the date, and for what is each request's own. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

interface Asked {
  readonly form: string
  readonly headers?: Readonly<Record<string, string | string[] | null>>
}

/** As it is written, header by header: null leaves one out. */
function ask(house: House, way: Way, { form, headers = {} }: Asked): Promise<Answer> {
  const all = {
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': String(Buffer.byteLength(form)),
    ...headers,
  }
  const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
  return new Promise((resolve, reject) => {
    const asking = request(
      new URL(ways[way], house.url),
      // What is null was just left out.
      { method: 'POST', headers: kept as Record<string, string | string[]>, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
        })
        response.on('end', () => {
          const { date: _, 'x-request-id': id, ...others } = response.headers
          assert.match(String(id), /^req_[0-9A-Z]{26}$/)
          const same = text.replaceAll(String(id), '(id)').replace(times, '(time)')
          resolve({ status: response.statusCode, headers: others, text: same })
        })
      },
    )
    asking.on('error', reject)
    asking.end(form)
  })
}

const formOf = (app: Pick<App, 'clientId'>, refreshToken: string, more = '') =>
  `grant_type=refresh_token&client_id=${app.clientId}&refresh_token=${refreshToken}${more}`

async function open(t: Parameters<typeof startHouse>[0], some: Parameters<House['app']>[1] = {}) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization, { refreshGraceSeconds: 60, ...some })
  return { house, app, tokens: await obtainTokens(house.url, app, email, scope) }
}

/** Statements by their names, as they are sent. */
function watchStatements({ database }: House): string[] {
  const names: string[] = []
  const { run } = database
  Object.assign(database, {
    run: (...[statement, values]: Parameters<typeof run>) => {
      names.push(statement.name)
      return run(statement, values)
    },
  })
  return names
}

const lastLine = (house: House) => {
  const line = house.log().trim().split('\n').at(-1) ?? ''
  const { time: _, ms, request_id: id, ...others } = JSON.parse(line)
  assert.equal(typeof ms, 'number')
  return { id: String(id), line: others }
}

test('a good refresh is answered alike, with the engine and without', async (t) => {
  const { house, app, tokens } = await open(t)
  const names = watchStatements(house)
  const answers = new Map<Way, Answer>()
  const lines = new Map<Way, unknown>()
  let current = tokens.refresh_token
  for (const way of ['engine', 'lean'] as const) {
    const from = names.length
    const presented = current
    const first = await ask(house, way, { form: formOf(app, presented) })
    lines.set(way, lastLine(house).line)
    assert.equal(first.status, 200, first.text)
    const rotated = JSON.parse(first.text) as Tokens
    current = rotated.refresh_token
    const secrets = new RegExp(`${rotated.access_token}|${rotated.refresh_token}`, 'g')
    answers.set(way, { ...first, text: first.text.replace(secrets, '(a token)') })
    assert.equal(
      names.slice(from).includes('app-by-client-id'),
      way === 'engine',
      'by the way that was meant',
    )
    for (const again of ['lean', 'engine'] as const)
      assert.deepEqual(
        await ask(house, again, { form: formOf(app, presented) }),
        first,
        'the same, byte for byte',
      )
  }
  assert.deepEqual(answers.get('lean'), answers.get('engine'))
  assert.deepEqual(lines.get('lean'), lines.get('engine'), 'and logged alike')

  for (const more of [
    '&scope=read%3Abookings',
    `&resource=${encodeURIComponent(`${house.url.toUpperCase()}/api/v1`)}`,
  ]) {
    const form = formOf(app, current, `${more}&unknown=1&unknown=2&client_secret=`)
    const answer = await ask(house, 'lean', { form })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(await ask(house, 'engine', { form }), answer)
    current = (JSON.parse(answer.text) as Tokens).refresh_token
  }
  const metrics = await (await fetch(`${house.url}/metrics`)).text()
  assert.match(metrics, /latchkey_tokens_issued_total\{grant_type="refresh_token"\} 10\n/)
  const events = await house.asOwner<{ request_id: string }>(
    `select request_id from audit_events where action = 'token.refreshed'`,
  )
  assert.equal(events.length, 4)
  for (const { request_id: id } of events) assert.ok(house.log().includes(id), 'the log names it too')
})

test('whatever is refused is refused alike, with the engine and without, and noted alike', async (t) => {
  const { house, app, tokens } = await open(t, { reuseResponse: 'refuse' })
  const good = tokens.refresh_token
  const other = await house.app(await house.organization('Other'))
  const format = createFormat(house.profile.credentials.prefixes)
  const strange = format.write('refresh_token', 'live').reveal()
  const form = formOf(app, good)
  const plain: Readonly<Record<string, Asked>> = {
    'no client': { form: form.replace(`client_id=${app.clientId}&`, '') },
    'an unknown client': { form: form.replace(app.clientId, `app_${'0'.repeat(24)}`) },
    "another app's token": { form: formOf(other, good) },
    'a client named by an address': {
      form: form.replace(app.clientId, 'https%3A%2F%2Fapp.example%2Fclient'),
    },
    'the client twice': { form: `${form}&client_id=${app.clientId}` },
    'the token twice': { form: `${form}&refresh_token=${good}` },
    'the grant type twice': { form: `${form}&grant_type=refresh_token` },
    'no token': { form: formOf(app, '') },
    garbage: { form: formOf(app, 'garbage') },
    'garbage with a right prefix': { form: formOf(app, `${good.slice(0, -1)}${good.endsWith('0') ? 1 : 0}`) },
    'an unknown token': { form: formOf(app, strange) },
    'an access token': { form: formOf(app, tokens.access_token) },
    'the scope twice': { form: `${form}&scope=read%3Abookings&scope=read%3Abookings` },
    'a scope that was not allowed': { form: `${form}&scope=write%3Abookings` },
    'a scope of strange characters': { form: `${form}&scope=%22%00` },
    'a resource of others': { form: `${form}&resource=https%3A%2F%2Fother.example%2F` },
    'several resources': {
      form: `${form}&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example`,
    },
    'no resource at all': { form: `${form}&resource=nonsense` },
    'a grant type that is none': { form: form.replace('=refresh_token', '=password') },
    'no form': { form: '{}', headers: { 'Content-Type': 'application/json' } },
    'no type': { form, headers: { 'Content-Type': null } },
    'too large a form': { form: `${form}&more=${'x'.repeat(60_000)}` },
    'large, and a client too few': { form: `${form.replace('client_id', 'id')}&more=${'x'.repeat(20_000)}` },
    'a browser that wants a page': { form: formOf(app, strange), headers: { Accept: 'text/html' } },
    'a page of another origin': { form, headers: { Origin: 'https://evil.example' } },
    'a password': { form, headers: { Authorization: `Basic ${btoa(`${app.clientId}:x`)}` } },
    'a proof that is none': { form, headers: { DPoP: 'garbage' } },
    'another host': { form, headers: { Host: 'evil.example' } },
    'an attestation': { form, headers: { 'OAuth-Client-Attestation': 'x' } },
  }
  const requestIds: Record<Way, string>[] = []
  const compare = async (name: string, asked: Asked) => {
    const engine = await ask(house, 'engine', asked)
    const engineLine = lastLine(house)
    const lean = await ask(house, 'lean', asked)
    const leanLine = lastLine(house)
    assert.deepEqual(lean, engine, name)
    assert.notEqual(lean.status, 200, name)
    assert.deepEqual(leanLine.line, engineLine.line, name)
    requestIds.push({ engine: engineLine.id, lean: leanLine.id })
    return `${lean.status} ${/"error":"(\w+)"/.exec(lean.text)?.[1] ?? ''}`
  }
  for (const [name, asked] of Object.entries(plain)) await compare(name, asked)

  const stop = (table: string, isStopped: boolean) =>
    house.asOwner(`update ${table} set is_stopped = ${isStopped}`)
  for (const table of ['oauth_apps', 'grants']) {
    await stop(table, true)
    assert.equal(await compare(`stopped: ${table}`, { form }), '503 temporarily_unavailable')
    await stop(table, false)
  }

  const rotated = await ask(house, 'lean', { form })
  assert.equal(rotated.status, 200, 'none of it cost the token anything')
  await house.asOwner(`update refresh_tokens set retired_at = retired_at - interval '61 seconds'`)
  assert.equal(await compare('reuse', { form }), '400 invalid_grant')
  const { refresh_token: last } = JSON.parse(rotated.text) as Tokens
  house.travel(app.refreshLifetimeSeconds + 1)
  assert.equal(await compare('the end', { form: formOf(app, last) }), '400 invalid_grant')

  await house.settle()
  const noted = await house.asOwner<{ request_id: string }>(
    'select request_id, client_id, endpoint, error, reason from app_refusals',
  )
  const notedOf = (id: string) =>
    noted.filter((row) => row.request_id === id).map(({ request_id: _, ...others }) => others)
  const pairs = requestIds.map(({ engine, lean }) => [notedOf(lean), notedOf(engine)] as const)
  // So many are kept of an app in a minute.
  const kept = pairs.filter(([lean, engine]) => lean.length + engine.length === 2)
  assert.ok(kept.length >= 14, `${kept.length} were noted`)
  for (const [lean, engine] of kept) assert.deepEqual(lean, engine)
})

test('reuse ends the family by the lean way too, once, and is told once', async (t) => {
  const { house, app, tokens } = await open(t)
  const form = formOf(app, tokens.refresh_token)
  const rotated = JSON.parse((await ask(house, 'lean', { form })).text) as Tokens
  await house.asOwner(`update refresh_tokens set retired_at = retired_at - interval '61 seconds'`)
  const answer = await ask(house, 'lean', { form })
  assert.deepEqual([answer.status, JSON.parse(answer.text).error], [400, 'invalid_grant'])
  assert.equal((await house.api('/me', rotated.access_token)).status, 401)
  await house.settle()
  const reasons = await house.asOwner<{ reason: string }>('select reason from app_refusals')
  assert.equal(reasons.length, 1)
  assert.match(reasons[0]?.reason ?? '', /came back after its grace window.*The authorization has ended/)
  const metrics = await (await fetch(`${house.url}/metrics`)).text()
  assert.match(
    metrics,
    /latchkey_refresh_tokens_reused_total\{cause="lost_response",response="revoked"\} 1\n/,
  )
  const events = await house.asOwner<{ request_id: string }>(
    `select request_id from audit_events where action = 'refresh_token.reused'`,
  )
  assert.equal(events.length, 1)
  const told = house
    .log()
    .split('\n')
    .filter((line) => line.includes(events[0]?.request_id ?? 'none'))
  assert.deepEqual(
    told.map((line) => JSON.parse(line).status),
    [400],
    'its id is in the one line of the request',
  )
})

test('a form that comes in pieces is read; one that does not come to its end hurts nobody', async (t) => {
  const { house, app, tokens } = await open(t)
  const form = formOf(app, tokens.refresh_token)
  const { port, host } = new URL(house.url)
  const head =
    `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n` +
    `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n`
  const send = async (parts: readonly string[], isWhole: boolean) => {
    const socket = connect(Number(port), '127.0.0.1')
    let heard = ''
    socket.setEncoding('utf8').on('data', (part: string) => {
      heard += part
    })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    for (const part of parts) {
      socket.write(part)
      await sleep(20)
    }
    if (!isWhole) socket.destroy()
    await closed
    return heard
  }
  await send([head, form.slice(0, 20)], false)
  while (lastLine(house).line.status !== 400) await sleep(5)
  // The same two pieces to the lean way and, as garbage, to the engine after it.
  const refused = await send([head, form.slice(0, 20), `${form.slice(20, -1)}!`], true)
  assert.match(refused, /^HTTP\/1\.1 400 .*"error":"invalid_grant"/s)
  const answered = await send([head, form.slice(0, 20), form.slice(20)], true)
  assert.match(answered, /^HTTP\/1\.1 200 .*"refresh_token":/s)
})
