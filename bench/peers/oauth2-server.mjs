// @node-oauth/oauth2-server, which brings the protocol and no storage: its model is ours, by named statements on a pool
// of ten, with tokens hashed. It has no endpoint of its own either: its two calls stand in routes of bare node:http.
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import OAuth2Server from '@node-oauth/oauth2-server'
import pg from 'pg'
import '../servers/answer-cpu.ts'

const daySeconds = 86_400
const app = { id: 'bench-app', grants: ['refresh_token'] }
const user = { id: 'person_bench' }
const scope = ['read:bookings', 'write:bookings']

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
const named = (name, sql) => async (values) => (await pool.query({ name, text: sql, values })).rows
const sha256 = (secret) => createHash('sha256').update(secret).digest()

await pool.query(`
  create table clients (id text primary key, grants text[] not null);
  create table access_tokens (hash bytea primary key, client_id text not null, user_id text not null,
    scope text[] not null, expires_at timestamptz not null);
  create table refresh_tokens (hash bytea primary key, client_id text not null, user_id text not null,
    scope text[] not null, expires_at timestamptz not null);
  insert into clients values ('bench-app', '{refresh_token}')`)

const findClient = named('find-client', 'select id, grants from clients where id = $1')
const columns = 'client_id, user_id, scope, expires_at'
const findAccessToken = named('find-access-token', `select ${columns} from access_tokens where hash = $1`)
const findRefreshToken = named('find-refresh-token', `select ${columns} from refresh_tokens where hash = $1`)
const removeRefreshToken = named(
  'remove-refresh-token',
  'delete from refresh_tokens where hash = $1 returning hash',
)
const insertTokens = named(
  'insert-tokens',
  `with access as (insert into access_tokens values ($1, $2, $3, $4, $5))
   insert into refresh_tokens values ($6, $2, $3, $4, $7)`,
)

const oauth = new OAuth2Server({
  accessTokenLifetime: 3600,
  refreshTokenLifetime: 30 * daySeconds,
  requireClientAuthentication: { refresh_token: false },
  model: {
    getClient: async (id) => (await findClient([id]))[0],
    getAccessToken: async (accessToken) => {
      const [row] = await findAccessToken([sha256(accessToken)])
      return row && { accessToken, accessTokenExpiresAt: row.expires_at, ...ownerOf(row) }
    },
    getRefreshToken: async (refreshToken) => {
      const [row] = await findRefreshToken([sha256(refreshToken)])
      return row && { refreshToken, refreshTokenExpiresAt: row.expires_at, ...ownerOf(row) }
    },
    revokeToken: async ({ refreshToken }) => (await removeRefreshToken([sha256(refreshToken)])).length === 1,
    saveToken,
  },
})

const ownerOf = (row) => ({ client: { id: row.client_id }, user: { id: row.user_id }, scope: row.scope })

async function saveToken(token, client, owner) {
  await insertTokens([
    ...[sha256(token.accessToken), client.id, owner.id, token.scope, token.accessTokenExpiresAt],
    ...[sha256(token.refreshToken), token.refreshTokenExpiresAt],
  ])
  return { ...token, client, user: owner }
}

const routes = {
  '/ready': async () => ({}),
  '/seed': async (request) => {
    const chains = Number(new URL(request.url, 'http://localhost').searchParams.get('chains'))
    const made = await Promise.all(Array.from({ length: Math.max(chains, 1000) }, issue))
    return {
      accessTokens: made.slice(0, 1000).map(({ accessToken }) => accessToken),
      refreshTokens: made.slice(0, chains).map(({ refreshToken }) => refreshToken),
    }
  },
  '/authenticate': async (request) => {
    const token = await oauth.authenticate(...wrap(request))
    return {
      ...{ active: true, client_id: token.client.id, sub: token.user.id, scope: token.scope.join(' ') },
      exp: Math.floor(token.accessTokenExpiresAt.getTime() / 1000),
    }
  },
  '/token': async (request) => {
    const [asked, answer] = wrap(request, Object.fromEntries(new URLSearchParams(await text(request))))
    await oauth.token(asked, answer)
    return answer.body
  },
}

function wrap({ headers, method }, body = {}) {
  const asked = new OAuth2Server.Request({ headers, method, query: {}, body })
  return [asked, new OAuth2Server.Response({ headers: {} })]
}

function issue() {
  const later = (seconds) => new Date(Date.now() + seconds * 1000)
  const token = {
    ...{ accessToken: randomBytes(32).toString('hex'), accessTokenExpiresAt: later(3600) },
    ...{ refreshToken: randomBytes(32).toString('hex'), refreshTokenExpiresAt: later(30 * daySeconds) },
    scope,
  }
  return saveToken(token, app, user)
}

const server = createServer(async (request, response) => {
  const [status, body] = await answerTo(request)
  const type = 'application/json; charset=utf-8'
  const json = JSON.stringify(body)
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(json) }).end(json)
}).listen(Number(process.env.PORT), '127.0.0.1')

async function answerTo(request) {
  const route = routes[request.url.split('?')[0]]
  if (!route) return [404, {}]
  try {
    return [200, await route(request)]
  } catch (thrown) {
    if (thrown.code) return [thrown.code, { error: thrown.name, error_description: thrown.message }]
    console.error(thrown)
    return [500, {}]
  }
}

process.once('SIGTERM', async () => {
  server.close()
  server.closeAllConnections()
  await pool.end()
})
