// The peers, each with what it can be asked with.
import { z } from 'zod'
import type { Cleanup } from './cleanup.ts'
import { ask, basic, type Contender, introspectionOf, json, keysAsked, tokensAsked } from './contender.ts'
import { watchDatabaseCpu } from './database-cpu.ts'
import { createDatabase } from './database-server.ts'
import { refreshChains } from './refresh-chains.ts'
import { type ServerName, startServer } from './server-process.ts'
import { plainEnvironment } from './surroundings.ts'
import { placeholder } from './target.ts'

const noKeys = 'it has no API keys'

/** @param keyStorage where its API keys are: its database, or what it calls secondary storage */
export async function startBetterAuth(
  keyStorage: 'database' | 'secondary',
  url: string,
  connections: number,
  cleanup: Cleanup,
): Promise<Contender> {
  const { server, at, seed, databaseCpuMicros } = await startPeer('peers/better-auth', url, cleanup, {
    KEY_STORAGE: keyStorage,
  })
  const made = betterAuthSchema.parse(await seed(connections))
  const keys: Pick<Contender['asks'], 'verify' | 'create'> = {
    verify: { url: `${at}/verify-key`, headers: { 'X-API-Key': placeholder }, values: made.keys },
    create: {
      ...{ url: `${at}/api/auth/api-key/create`, method: 'POST' },
      headers: { ...json, Cookie: made.cookie, Origin: at },
      body: JSON.stringify({ name: 'Bench' }),
    },
  }
  if (keyStorage === 'secondary') {
    const why = 'its tokens are in the database in any case'
    const title = 'better-auth, keys in memory'
    const asks = { ...keys, introspect: why, refresh: why }
    return { name: 'better-auth-memory', title, server, databaseCpuMicros, asks }
  }
  const { app, resourceServer, refreshTokens = [], accessTokens = [] } = made
  if (!app || !resourceServer) throw new Error('better-auth has made no clients')
  const families = refreshTokens.map((refreshToken) => ({ clientId: app.client_id, refreshToken }))
  return {
    ...{ name: 'better-auth', title: 'better-auth', server, databaseCpuMicros },
    asks: {
      ...keys,
      introspect: introspectionOf(
        `${at}/api/auth/oauth2/introspect`,
        basic(resourceServer.client_id, resourceServer.client_secret ?? ''),
        accessTokens,
      ),
      refresh: refreshChains(`${at}/api/auth/oauth2/token`, families),
    },
  }
}

export async function startPlainEngine(
  url: string,
  connections: number,
  cleanup: Cleanup,
): Promise<Contender> {
  const { server, at, databaseCpuMicros } = await startPeer('plain-engine', url, cleanup)
  const mint = async (what: string, count: number) =>
    z.array(z.string()).parse(await ask({ url: `${at}/mint/${what}?count=${count}`, headers: {} }))
  const refreshTokens = await mint('refresh-tokens', connections)
  const families = refreshTokens.map((refreshToken) => ({ clientId: 'bench-app', refreshToken }))
  const resourceServer = basic('bench-resource-server', 'bench-secret-of-the-resource-server')
  return {
    ...{ name: 'oidc-provider', title: 'oidc-provider, plain knex adapter', server, databaseCpuMicros },
    asks: {
      verify: noKeys,
      introspect: introspectionOf(
        `${at}/token/introspection`,
        resourceServer,
        await mint('access-tokens', tokensAsked),
      ),
      refresh: refreshChains(`${at}/token`, families),
      create: noKeys,
    },
  }
}

export async function startOAuth2Server(
  url: string,
  connections: number,
  cleanup: Cleanup,
): Promise<Contender> {
  const { server, at, seed, databaseCpuMicros } = await startPeer('peers/oauth2-server', url, cleanup)
  const { accessTokens, refreshTokens } = stockSchema.parse(await seed(connections))
  const families = refreshTokens.map((refreshToken) => ({ clientId: 'bench-app', refreshToken }))
  return {
    ...{ name: 'oauth2-server', title: '@node-oauth/oauth2-server', server, databaseCpuMicros },
    asks: {
      verify: noKeys,
      introspect: {
        url: `${at}/authenticate`,
        headers: { Authorization: `Bearer ${placeholder}` },
        values: accessTokens.slice(0, tokensAsked),
      },
      refresh: refreshChains(`${at}/token`, families),
      create: noKeys,
    },
  }
}

const clientSchema = z.object({ client_id: z.string(), client_secret: z.string() })
const stockSchema = z.object({ accessTokens: z.array(z.string()), refreshTokens: z.array(z.string()) })
const betterAuthSchema = stockSchema.partial().extend({
  cookie: z.string(),
  keys: z.array(z.string()).length(keysAsked),
  app: clientSchema.partial({ client_secret: true }).optional(),
  resourceServer: clientSchema.partial({ client_secret: true }).optional(),
})

async function startPeer(
  name: ServerName,
  url: string,
  cleanup: Cleanup,
  settings: Readonly<Record<string, string>> = {},
) {
  const address = await createDatabase(url, cleanup)
  const env = { ...plainEnvironment(), NODE_ENV: 'production', ...settings, DATABASE_URL: address }
  const server = await startServer(name, { env, readyPath: '/ready' }, cleanup)
  const at = `http://127.0.0.1:${server.port}`
  return {
    ...{ server, at },
    databaseCpuMicros: await watchDatabaseCpu(address, cleanup),
    /** What it makes itself, to be asked with. */
    seed: (chains: number) => ask({ url: `${at}/seed?chains=${chains}`, headers: {} }),
  }
}
