// Latchkey with all that it can be asked with: keys, tokens, families of refresh tokens, a resource server that asks.
import { z } from 'zod'
import type { Cleanup } from './cleanup.ts'
import {
  ask,
  basic,
  type Contender,
  form,
  introspectionOf,
  json,
  keysAsked,
  tokensAsked,
} from './contender.ts'
import { keySchema, runCommand } from './credentials.ts'
import { watchDatabaseCpu } from './database-cpu.ts'
import { fillExpired } from './expired-rows.ts'
import { refreshChains } from './refresh-chains.ts'
import { startServer } from './server-process.ts'
import { prepareSurroundings } from './surroundings.ts'
import { placeholder, type Target } from './target.ts'

const audience = 'https://bench.example/api/v1'
const madeAtOnce = 20
const clientSchema = z.object({ client_id: z.string(), client_secret: z.string() })
const tokenSchema = z.object({ access_token: z.string() })

export interface LatchkeyContender extends Contender {
  readonly at: string
  readonly keys: readonly string[]
  readonly tokens: readonly string[]
  /** Of the resource server that the tokens are for. */
  readonly authorization: string
  /** Of one that the keys are for. */
  readonly keysAuthorization: string
}

/** @param connections of the load: each has a family of tokens of its own */
export async function startLatchkey(
  url: string,
  connections: number,
  cleanup: Cleanup,
): Promise<LatchkeyContender> {
  const { env } = await prepareSurroundings(cleanup, url)
  const wanted = { env, rows: 0, families: connections + tokensAsked }
  const families = await fillExpired({ ...wanted, signal: cleanup.signal, tell: () => {} })
  const server = await startServer('latchkey', { env, readyPath: '/readyz' }, cleanup)
  const at = `http://127.0.0.1:${server.port}`
  const command = (...words: string[]) =>
    runCommand(words, { ...env, PORT: String(server.port) }, cleanup.signal)
  const scopes = ['--scope', 'keys:write', '--scope', 'read:bookings']
  const { secret } = keySchema.parse(
    await command('key', 'create', '--org', 'bench', '--mode', 'live', ...scopes),
  )
  const resourceServer = async (...options: string[]) => {
    const made = await command('resource-server', 'create', '--name', 'Bench', ...options)
    const { client_id, client_secret } = clientSchema.parse(made)
    return basic(client_id, client_secret)
  }
  const create: Target = {
    ...{ url: `${at}/api/v1/keys`, method: 'POST', status: 201 },
    headers: { ...json, Authorization: `Bearer ${secret}` },
    body: JSON.stringify({ name: 'Bench', scopes: ['read:bookings'] }),
  }
  const keys: string[] = []
  while (keys.length < keysAsked) {
    const some = await Promise.all(Array.from({ length: madeAtOnce }, () => ask(create)))
    keys.push(...some.map((made) => keySchema.parse(made).secret))
  }
  const token = `${at}/oauth/token`
  const tokens: string[] = []
  for (const { clientId, refreshToken } of families.slice(connections)) {
    const body = new URLSearchParams({
      ...{ grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken },
    }).toString()
    tokens.push(
      tokenSchema.parse(await ask({ url: token, method: 'POST', headers: form, body })).access_token,
    )
  }
  const authorization = await resourceServer('--audience', audience)
  const keysAuthorization = await resourceServer()
  return {
    ...{ name: 'latchkey', title: 'Latchkey', server, at, keys, tokens, authorization, keysAuthorization },
    databaseCpuMicros: await watchDatabaseCpu(String(env['DATABASE_URL']), cleanup),
    asks: {
      verify: {
        ...{ url: `${at}/api/v1/me`, headers: { Authorization: `Bearer ${placeholder}` }, values: keys },
      },
      introspect: introspectionOf(`${at}/oauth/introspect`, authorization, tokens),
      refresh: refreshChains(token, families.slice(0, connections)),
      create,
    },
  }
}
