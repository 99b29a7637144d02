// better-auth with its api-key and oauth-provider plugins, as its documentation sets it up for production, on its own
// handler for Node.js. KEY_STORAGE=secondary keeps the API keys in its "secondary storage", here a map in this process:
// no Redis could be faster. What it has no endpoint for stands in a route of ours, and is the call it documents.
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { apiKey } from '@better-auth/api-key'
import { oauthProvider } from '@better-auth/oauth-provider'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { jwt } from 'better-auth/plugins'
import pg from 'pg'
import '../servers/answer-cpu.ts'

const port = Number(process.env.PORT)
const baseURL = `http://127.0.0.1:${port}`
const redirectUri = 'https://app.bench.example/callback'
const scopes = ['read:bookings', 'write:bookings', 'offline_access']
const inSecondaryStorage = process.env.KEY_STORAGE === 'secondary'

const kept = new Map()
const secondaryStorage = {
  get: (key) => kept.get(key) ?? null,
  set: (key, value) => void kept.set(key, value),
  delete: (key) => void kept.delete(key),
}

const options = {
  baseURL,
  secret: randomBytes(32).toString('hex'),
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 }),
  emailAndPassword: { enabled: true },
  // Its guide to performance: the session of a request is not looked up again for so long.
  session: { cookieCache: { enabled: true, maxAge: 3600 } },
  // Every request here comes from one address.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  disabledPaths: ['/token'],
  plugins: [
    jwt(),
    apiKey({
      rateLimit: { enabled: false },
      ...(inSecondaryStorage ? { storage: 'secondary-storage', customStorage: secondaryStorage } : {}),
    }),
    oauthProvider({ loginPage: '/sign-in', consentPage: '/consent', scopes }),
  ],
}
const { runMigrations } = await getMigrations(options)
await runMigrations()
const auth = betterAuth(options)
const handle = toNodeHandler(auth)

const server = createServer(async (request, response) => {
  try {
    const { pathname, searchParams } = new URL(request.url ?? '/', baseURL)
    if (pathname === '/verify-key') return answer(response, await verifyKey(request.headers['x-api-key']))
    if (pathname === '/ready') return answer(response, { status: 200, body: {} })
    if (pathname === '/seed')
      return answer(response, { status: 200, body: await seed(Number(searchParams.get('chains'))) })
    return await handle(request, response)
  } catch (thrown) {
    console.error(thrown)
    return answer(response, { status: 500, body: {} })
  }
}).listen(port, '127.0.0.1')

process.once('SIGTERM', async () => {
  server.close()
  server.closeAllConnections()
  await options.database.end()
})

async function verifyKey(key) {
  const { valid, key: row, error } = await auth.api.verifyApiKey({ body: { key } })
  return valid
    ? { status: 200, body: { id: row.id, owner: row.referenceId, permissions: row.permissions } }
    : { status: 401, body: { error } }
}

function answer(response, { status, body }) {
  const text = JSON.stringify(body)
  const type = 'application/json; charset=utf-8'
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) }).end(text)
}

/** What to ask with: made by its own calls and flow. */
async function seed(chains) {
  const { headers, response } = await auth.api.signUpEmail({
    body: { email: 'bench@example.com', password: randomBytes(16).toString('hex'), name: 'Bench' },
    returnHeaders: true,
  })
  const cookie = headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const createKey = () => auth.api.createApiKey({ body: { userId: response.user.id, name: 'Bench' } })
  const keys = []
  while (keys.length < 1000) {
    const some = await Promise.all(Array.from({ length: 20 }, createKey))
    keys.push(...some.map(({ key }) => key))
  }
  if (inSecondaryStorage) return { cookie, keys }
  const app = await createClient(cookie, 'none')
  const resourceServer = await createClient(cookie, 'client_secret_basic')
  const refreshTokens = []
  const accessTokens = []
  for (let left = chains; left > 0; left -= 1)
    refreshTokens.push((await obtainTokens(cookie, app)).refresh_token)
  for (let left = 32; left > 0; left -= 1)
    accessTokens.push((await obtainTokens(cookie, resourceServer)).access_token)
  return { cookie, keys, app, resourceServer, refreshTokens, accessTokens }
}

async function createClient(cookie, method) {
  return await auth.api.adminCreateOAuthClient({
    headers: new Headers({ cookie }),
    body: {
      client_name: 'Bench',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: method,
      grant_types: ['authorization_code', 'refresh_token'],
      scope: scopes.join(' '),
      skip_consent: true,
    },
  })
}

async function obtainTokens(cookie, { client_id, client_secret }) {
  const verifier = randomBytes(32).toString('base64url')
  const asked = new URL('/api/auth/oauth2/authorize', baseURL)
  asked.search = new URLSearchParams({
    ...{ response_type: 'code', client_id, redirect_uri: redirectUri, scope: scopes.join(' ') },
    ...{ state: 'bench', code_challenge_method: 'S256' },
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  }).toString()
  const allowed = await auth.handler(new Request(asked, { headers: { cookie } }))
  const to = allowed.headers.get('location') ?? (await allowed.json()).url
  const code = new URL(to, baseURL).searchParams.get('code')
  if (!code) throw new Error(`no code: ${to}`)
  const exchanged = await auth.handler(
    new Request(new URL('/api/auth/oauth2/token', baseURL), {
      method: 'POST',
      headers: client_secret ? { authorization: basic(client_id, client_secret) } : {},
      body: new URLSearchParams({
        ...{ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri },
        ...(client_secret ? {} : { client_id }),
      }),
    }),
  )
  if (exchanged.status !== 200) throw new Error(`no tokens: ${await exchanged.text()}`)
  return await exchanged.json()
}

const basic = (id, secret) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
