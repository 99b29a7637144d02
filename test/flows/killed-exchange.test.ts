// A server that is killed at each statement of a token exchange in turn, before the database has heard the statement
// and when the database has carried it out: what that costs the client.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import {
  obtainCode,
  obtainTokens,
  postToken,
  readTokens,
  redirectUri,
  refresh,
  type Tokens,
} from '../support/authorization.ts'
import { createTestDatabase } from '../support/database.ts'
import { isOfTheSealer, type Moment, startDatabaseProxy } from '../support/database-proxy.ts'
import { type House, startHouse } from '../support/house.ts'
import { makeHome, startServer } from '../support/server-process.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'

interface Kill {
  readonly grantType: 'authorization_code' | 'refresh_token'
  readonly statement: string
  readonly moment: Moment
}

interface World {
  /** The server that lives on. */
  readonly house: House
  readonly app: App
  readonly databaseUrl: string
}

test('kill -9 at each statement of a token exchange: a refresh costs the client nothing, a code never forks', async (t) => {
  const world = await found(t)
  const statements = await namesOf(t, world)
  const kills = (['authorization_code', 'refresh_token'] as const).flatMap((grantType) =>
    statements[grantType].flatMap((statement) =>
      (['before', 'after'] as const).map((moment) => ({ grantType, statement, moment })),
    ),
  )
  const rows: string[][] = []
  // Two at a time: most of it is waiting for servers to start.
  for (let at = 0; at < kills.length; at += 2) {
    const pair = kills.slice(at, at + 2)
    rows.push(
      ...(await Promise.all(
        pair.map(async (kill) => [...labelsOf(kill), ...(await outcomeOf(t, world, kill))]),
      )),
    )
  }
  const table = [
    ['GRANT TYPE', 'STATEMENT', 'KILLED', 'IN THE DATABASE THEN', 'THE SAME REQUEST AGAIN'],
    ...rows,
  ]
  for (const row of table)
    t.diagnostic(
      row
        .map((cell, column) => cell.padEnd(columns[column] ?? 0))
        .join(' ')
        .trimEnd(),
    )

  const untouched = 'nothing has changed'
  assert.deepEqual(
    rows.map(([grantType, statement, moment, ...outcome]) => [
      `${grantType} ${statement} ${moment}`,
      ...outcome,
    ]),
    [
      ['authorization_code app-by-client-id before', untouched, '200, tokens'],
      ['authorization_code app-by-client-id after', untouched, '200, tokens'],
      ['authorization_code codes-by-hash before', untouched, '200, tokens'],
      ['authorization_code codes-by-hash after', untouched, '200, tokens'],
      ['authorization_code spend-codes before', untouched, '200, tokens'],
      // An answer that is lost now can't be told from a code that was stolen (T6): the person is asked again.
      [
        'authorization_code spend-codes after',
        'spent, one pair minted',
        '400 invalid_grant, nothing of it is left',
      ],
      ['refresh_token refresh-tokens-by-hash before', untouched, '200, tokens'],
      ['refresh_token refresh-tokens-by-hash after', untouched, '200, tokens'],
      ['refresh_token rotate-refresh-tokens before', untouched, '200, tokens'],
      ['refresh_token rotate-refresh-tokens after', 'rotated, one pair minted', '200, tokens'],
    ],
  )
})

const columns = [18, 21, 6, 24]
const labelsOf = ({ grantType, statement, moment }: Kill) => [grantType, statement, moment]

async function found(t: TestContext): Promise<World> {
  const databaseUrl = await createTestDatabase(t)
  const house = await startHouse(t, { databaseUrl })
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  return { house, app: await house.app(organization), databaseUrl }
}

/** A server of its own, on the same database by way of a proxy. */
async function startDoomed(t: TestContext, { house, databaseUrl }: World) {
  const proxy = await startDatabaseProxy(t, databaseUrl)
  const env = { DATABASE_URL: proxy.url, PUBLIC_URL: house.url, COOKIE_KEYS: 'k'.repeat(40) }
  const server = await startServer(t, { home: await makeHome(t), env })
  return { proxy, server }
}

/** The statements of both exchanges, as a server sends them that nobody kills. */
async function namesOf(t: TestContext, world: World): Promise<Record<Kill['grantType'], string[]>> {
  const { proxy, server } = await startDoomed(t, world)
  const namesIn = async (kind: Kill['grantType']) => {
    const parameters = await parametersFor(world, kind)
    const from = proxy.seen.length
    assert.equal(await postTo(world, server.port, parameters), 200)
    const own = proxy.seen.slice(from).filter((statement) => !isOfTheSealer(statement))
    assert.ok(
      own.every(({ name }) => name !== ''),
      `a statement without a name: ${JSON.stringify(own)}`,
    )
    return own.map(({ name }) => name)
  }
  const names = {
    authorization_code: await namesIn('authorization_code'),
    refresh_token: await namesIn('refresh_token'),
  }
  await server.stop('SIGKILL')
  return names
}

/** A code or refresh token that nobody has used yet, as parameters of the token endpoint. */
async function parametersFor(
  { house, app }: World,
  grantType: Kill['grantType'],
): Promise<Record<string, string>> {
  const common = { grant_type: grantType, client_id: app.clientId }
  if (grantType === 'refresh_token') {
    const tokens = await obtainTokens(house.url, app, email, scope)
    return { ...common, refresh_token: tokens.refresh_token }
  }
  const { code, verifier } = await obtainCode(house.url, app, email, scope)
  return { ...common, code, code_verifier: verifier, redirect_uri: redirectUri }
}

/** The status of the answer; null for none. Its host is the house's, which both are one server by. */
function postTo(
  { house }: World,
  port: number,
  parameters: Readonly<Record<string, string>>,
): Promise<number | null> {
  return new Promise((resolve) => {
    const headers = { Host: new URL(house.url).host, 'Content-Type': 'application/x-www-form-urlencoded' }
    const asking = request(
      { host: '127.0.0.1', port, path: '/oauth/token', method: 'POST', headers },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? null)
      },
    )
    asking.on('error', () => resolve(null))
    asking.end(new URLSearchParams(parameters).toString())
  })
}

/** What the database holds after the kill, and what the client gets that asks the surviving server the same again. */
async function outcomeOf(
  t: TestContext,
  world: World,
  { grantType, statement, moment }: Kill,
): Promise<[string, string]> {
  const { proxy, server } = await startDoomed(t, world)
  const parameters = await parametersFor(world, grantType)
  const secret = parameters['code'] ?? parameters['refresh_token'] ?? ''
  const grant = await grantOf(world, secret)
  const before = await holdings(world, grant)
  const stopped = proxy.stopAt(
    ({ name }) => name === statement,
    moment,
    () => process.kill(server.pid, 'SIGKILL'),
  )
  const answer = postTo(world, server.port, parameters)
  await stopped
  assert.equal((await server.ended).signal, 'SIGKILL')
  assert.equal(await answer, null, 'the client heard nothing')

  const after = await holdings(world, grant)
  const isUntouched = JSON.stringify(after) === JSON.stringify(before)
  const spent = { code: 'spent', token: 'rotated' }[parameters['code'] ? 'code' : 'token']
  const isPair =
    after.credentials - before.credentials === 1 && after.refresh_tokens - before.refresh_tokens === 1
  const held = isUntouched
    ? 'nothing has changed'
    : isPair
      ? `${spent}, one pair minted`
      : JSON.stringify({ before, after })
  return [held, await retryOf(world, grant, parameters)]
}

async function retryOf(
  world: World,
  grant: string,
  parameters: Readonly<Record<string, string>>,
): Promise<string> {
  const { house, app } = world
  const response = await postToken(house.url, parameters)
  const text = await response.text()
  if (response.ok && 'refresh_token' in parameters)
    assert.equal(await (await postToken(house.url, parameters)).text(), text, 'byte for byte')
  const then = await holdings(world, grant)
  if (response.status !== 200) {
    const { error } = JSON.parse(text) as { error: string }
    const isGone = Object.values(then).every((rows) => rows === 0)
    return `${response.status} ${error}, ${isGone ? 'nothing of it is left' : JSON.stringify(then)}`
  }
  // One family, not two: one token that is not retired, and it is the one that the client has now.
  assert.deepEqual([then.grants, then.unretired], [1, 1])
  const tokens = JSON.parse(text) as Tokens
  await readTokens(await refresh(house.url, app, tokens.refresh_token))
  assert.equal((await house.api('/me', tokens.access_token)).status, 200)
  return '200, tokens'
}

interface Holdings {
  readonly grants: number
  readonly codes: number
  readonly spent: number
  readonly refresh_tokens: number
  readonly unretired: number
  readonly credentials: number
}

async function holdings({ house }: World, grant: string): Promise<Holdings> {
  const [row] = await house.asOwner<Holdings>(
    `select (select count(*)::int from grants where id = $1) as grants,
       (select count(*)::int from authorization_codes where grant_id = $1) as codes,
       (select count(*)::int from authorization_codes where grant_id = $1 and consumed_at is not null) as spent,
       (select count(*)::int from refresh_tokens where grant_id = $1) as refresh_tokens,
       (select count(*)::int from refresh_tokens where grant_id = $1 and retired_at is null) as unretired,
       (select count(*)::int from credentials where grant_id = $1) as credentials`,
    [grant],
  )
  assert.ok(row)
  return row
}

async function grantOf({ house }: World, secret: string): Promise<string> {
  const [row] = await house.asOwner<{ grant_id: string }>(
    `select grant_id from authorization_codes where hash = sha256($1::text::bytea)
     union all select grant_id from refresh_tokens where hash = sha256($1::text::bytea)`,
    [secret],
  )
  assert.ok(row)
  return row.grant_id
}
