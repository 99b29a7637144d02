// The engine that Latchkey is built on, as its documentation sets it up for production: public clients with PKCE and
// rotation, opaque tokens for one API, its records by a query builder on a pool as large as Latchkey's. It makes codes
// and tokens by its own models when asked to (POST /mint/…), outside of what is measured.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import createKnex from 'knex'
import { openConfiguredDatabase } from '../../src/base.ts'
import { loadConfig } from '../../src/core/config.ts'
import type { DatabaseAddress } from '../../src/db/connect.ts'
import { Provider } from '../../src/oauth/engine.ts'
import './answer-cpu.ts'
import { createEngineRecords, createKnexAdapter } from './knex-adapter.ts'

const issuer = 'https://plain.bench.example'
const resource = 'https://bench.example/api/v1'
const scope = 'read:bookings write:bookings'
const redirectUri = 'https://app.bench.example/callback'
const accountId = 'person_bench'
const daySeconds = 86_400
const poolSize = 10
const mintedAtOnce = 50

const app = {
  client_id: 'bench-app',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code' as const],
  token_endpoint_auth_method: 'none' as const,
  scope: `${scope} offline_access`,
}
const resourceServer = {
  client_id: 'bench-resource-server',
  client_secret: 'bench-secret-of-the-resource-server',
  redirect_uris: [],
  grant_types: [],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_basic' as const,
}

// As another borrower of Latchkey's database: the address alone is wanted.
const opened = await openConfiguredDatabase(loadConfig({ ...process.env, NODE_ENV: 'test' }), 'borrower')
const knex = createKnex({
  client: 'pg',
  connection: connectionOf(opened.address),
  pool: { min: 0, max: poolSize },
})
await createEngineRecords(knex)

const engine = new Provider(issuer, {
  adapter: createKnexAdapter(knex),
  jwks: { keys: [signingKey()] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  scopes: ['offline_access', ...scope.split(' ')],
  responseTypes: ['code'],
  clientAuthMethods: ['none', 'client_secret_basic'],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  // Otherwise each look at a token would look for the session as well.
  expiresWithSession: async () => false,
  findAccount: async (_ctx, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
  features: {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    introspection: { enabled: true, allowedPolicy: async () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope, audience: resource, accessTokenFormat: 'opaque' }),
    },
  },
  ttl: {
    AccessToken: 3600,
    AuthorizationCode: 3600,
    RefreshToken: 30 * daySeconds,
    Grant: 30 * daySeconds,
    IdToken: 3600,
    Interaction: 3600,
    Session: 3600,
  },
})
// Clients are records as well: as where apps can be registered.
const clients = createKnexAdapter(knex)('Client')
for (const client of [app, resourceServer]) await clients.upsert(client.client_id, client, 0)

const mints: Readonly<Record<string, (grantId: string) => Promise<unknown>>> = {
  '/mint/codes': mintCode,
  '/mint/refresh-tokens': mintRefreshToken,
  '/mint/access-tokens': mintAccessToken,
}
const answer = engine.callback()

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', issuer)
  if (pathname === '/ready') return response.end('ready')
  const mint = mints[pathname]
  if (!mint) return answer(request, response)
  try {
    const minted: unknown[] = []
    for (let left = Number(searchParams.get('count')); left > 0; left -= mintedAtOnce) {
      const some = Array.from({ length: Math.min(left, mintedAtOnce) }, async () => mint(await saveGrant()))
      minted.push(...(await Promise.all(some)))
    }
    return response.setHeader('Content-Type', 'application/json').end(JSON.stringify(minted))
  } catch (thrown) {
    console.error(thrown)
    return response.writeHead(500).end()
  }
}).listen(Number(process.env['PORT']), '127.0.0.1')

process.once('SIGTERM', async () => {
  server.close()
  server.closeAllConnections()
  await knex.destroy()
  await opened.close()
})

async function saveGrant(): Promise<string> {
  const grant = new engine.Grant({ accountId, clientId: app.client_id })
  grant.addResourceScope(resource, scope)
  return await grant.save()
}

async function mintCode(grantId: string) {
  const verifier = randomBytes(32).toString('base64url')
  const code = new engine.AuthorizationCode({
    ...(await common(grantId)),
    redirectUri,
    codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
    codeChallengeMethod: 'S256',
    resource,
  })
  return { code: await code.save(), verifier }
}

async function mintRefreshToken(grantId: string) {
  const token = new engine.RefreshToken({ ...(await common(grantId)), resource, rotations: 0 })
  return await token.save()
}

async function mintAccessToken(grantId: string) {
  const token = new engine.AccessToken(await common(grantId))
  token.resourceServer = new engine.ResourceServer(resource, {
    ...{ scope, audience: resource, accessTokenFormat: 'opaque' },
  })
  return await token.save()
}

async function common(grantId: string) {
  const client = await engine.Client.find(app.client_id)
  if (!client) throw new Error('the app is a record')
  return {
    accountId,
    client,
    grantId,
    scope,
    gty: 'authorization_code',
    authTime: Math.floor(Date.now() / 1000),
  }
}

function connectionOf(address: DatabaseAddress) {
  if (address.kind === 'url') return address.url.reveal()
  const { host, port, user, database } = address
  return { host, port, user, database }
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }
}
