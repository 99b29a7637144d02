// What the environment says, as one frozen value; nobody else reads the environment.
import { resolve } from 'node:path'
import { z } from 'zod'
import { Secret } from '../lib/secret.ts'
import { StartupError } from '../lib/startup-error.ts'

export interface Config {
  readonly environment: 'development' | 'production'
  readonly host: string
  readonly port: number
  /** The origin of every URL that we emit, without a trailing slash: https, or http on loopback. */
  readonly publicUrl: string
  readonly database:
    | { readonly kind: 'embedded' }
    | { readonly kind: 'server'; readonly url: Secret; readonly directUrl: Secret }
  readonly redisUrl: Secret | null
  /** null: no mail is sent. */
  readonly mail: { readonly url: Secret; readonly from: string } | null
  readonly dataDirectory: string
  readonly profile: string
  readonly logLevel: string
  /** What reads /metrics from elsewhere; null leaves it to programs of this machine. */
  readonly metricsToken: Secret | null
  /** Newest first; null lets a development start make and keep its own. */
  readonly cookieKeys: readonly Secret[] | null
  /** How many proxies stand before us and append to X-Forwarded-For. */
  readonly trustedProxies: number
  /** How many credentials a process keeps in memory at most; 0 for none. */
  readonly cachedCredentials: number
  /** How many processes serve on this machine. */
  readonly workers: number
  /** Whether forward-auth tells the server behind a proxy by a signed JWT, too. */
  readonly forwardAuthJwt: boolean
}

export type Environment = Readonly<Record<string, string | undefined>>

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const whole = (low: number, high: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(low).max(high))
const url = (schemes: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol))
/** The client would end the process on others: with a path that is no number, or percent signs that say nothing. */
const redisUrl = url(['redis:', 'rediss:']).refine((text) => {
  const { username, password, pathname, searchParams } = new URL(text)
  return /^\/?\d*$/.test(pathname) && !searchParams.has('db') && [username, password].every(isDecodable)
})

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** Each variable: how it is read, and what to say when it can't be. */
const variables = {
  NODE_ENV: [z.enum(['development', 'production', 'test']), 'development or production'],
  PORT: [whole(1, 65_535), 'a port number from 1 to 65535'],
  HOST: [z.string().min(1), 'an address to listen on, such as 127.0.0.1 or 0.0.0.0'],
  PUBLIC_URL: [url(['http:', 'https:']), 'an origin such as https://app.example.com'],
  DATABASE_URL: [url(['postgres:', 'postgresql:']), 'postgresql://user:password@host:5432/database'],
  DATABASE_URL_DIRECT: [url(['postgres:', 'postgresql:']), 'postgresql://user:password@host:5432/database'],
  REDIS_URL: [redisUrl, 'redis://host:6379, or redis://host:6379/1 for its database 1'],
  SMTP_URL: [url(['smtp:', 'smtps:']), 'smtp://user:password@host:587'],
  MAIL_FROM: [
    z.string().regex(/^[^\s@<>]+@[^\s@<>]+$|^[^<>"]*<[^\s@<>]+@[^\s@<>]+>$/),
    'an address such as "Acme <no-reply@acme.example>"',
  ],
  DATA_DIR: [z.string().min(1), 'a directory'],
  PROFILE: [z.string().min(1), 'the name of a packaged profile, or the path of a .json file'],
  LOG_LEVEL: [z.enum(levels), levels.join(', ')],
  METRICS_TOKEN: [z.string().regex(/^[\x21-\x7e]{16,}$/), 'a secret of at least 16 characters'],
  COOKIE_KEYS: [
    z.string().regex(/^[^,\s]{32,}(,[^,\s]{32,})*$/),
    'one or more secrets of at least 32 characters, separated by commas, the newest first',
  ],
  FORWARD_AUTH_JWT: [z.enum(['on', 'off']), 'on or off'],
  CREDENTIAL_CACHE: [whole(0, 10_000_000), 'how many credentials to keep in memory, 0 to 10000000'],
  TRUST_PROXY: [whole(0, 10), 'the number of proxies in front of this server, 0 to 10'],
  WORKERS: [whole(1, 64), 'the number of processes that serve, 1 to 64'],
} as const satisfies Record<string, readonly [z.ZodType, string]>

const secretVariables = new Set([
  'COOKIE_KEYS',
  'METRICS_TOKEN',
  'DATABASE_URL',
  'DATABASE_URL_DIRECT',
  'REDIS_URL',
  'SMTP_URL',
])

/**
 * Reads the environment.
 * @throws StartupError with one line per mistake: the variable, its value (never a secret's) and what was expected
 */
export function loadConfig(env: Environment): Config {
  const wrong: string[] = []
  const read = <Name extends keyof typeof variables>(
    name: Name,
  ): z.output<(typeof variables)[Name][0]> | undefined => {
    const text = env[name]
    if (text === undefined || text === '') return undefined
    const [schema, expected] = variables[name]
    const parsed = schema.safeParse(text)
    // The schema of this very row made the value; the mapped type can't follow the look-up.
    if (parsed.success) return parsed.data as z.output<(typeof variables)[Name][0]>
    const shown = secretVariables.has(name) ? '(not shown)' : JSON.stringify(text)
    wrong.push(`${name} is ${shown}, but must be ${expected}.`)
    return undefined
  }

  const environment = read('NODE_ENV') === 'production' ? 'production' : 'development'
  const production = environment === 'production'
  const port = read('PORT') ?? 3000
  const profile = read('PROFILE') ?? usualProfile
  const publicUrlText = read('PUBLIC_URL')
  const publicUrl = publicUrlText ? originOf(publicUrlText, production, wrong) : `http://localhost:${port}`
  const databaseUrl = read('DATABASE_URL')
  const directUrl = read('DATABASE_URL_DIRECT')
  const redisUrl = read('REDIS_URL')
  const smtpUrl = read('SMTP_URL')
  const mailFrom = read('MAIL_FROM')
  const metricsToken = read('METRICS_TOKEN')
  const cookieKeys = read('COOKIE_KEYS')?.split(',')
  if (production && !env['PUBLIC_URL']) wrong.push('PUBLIC_URL is missing: production needs an https origin.')
  if (production && !env['COOKIE_KEYS']) {
    wrong.push('COOKIE_KEYS is missing: production needs it. Make a key with: openssl rand -hex 32')
  }
  const config: Config = {
    environment,
    host: read('HOST') ?? '127.0.0.1',
    port,
    publicUrl,
    database: databaseUrl
      ? { kind: 'server', url: new Secret(databaseUrl), directUrl: new Secret(directUrl ?? databaseUrl) }
      : { kind: 'embedded' },
    redisUrl: redisUrl ? new Secret(redisUrl) : null,
    mail: smtpUrl
      ? { url: new Secret(smtpUrl), from: mailFrom ?? `no-reply@${new URL(publicUrl).hostname}` }
      : null,
    dataDirectory: resolve(read('DATA_DIR') ?? usualDirectory(profile)),
    profile,
    logLevel: read('LOG_LEVEL') ?? 'info',
    metricsToken: metricsToken ? new Secret(metricsToken) : null,
    cookieKeys: cookieKeys ? cookieKeys.map((key) => new Secret(key)) : null,
    trustedProxies: read('TRUST_PROXY') ?? 0,
    cachedCredentials: read('CREDENTIAL_CACHE') ?? 100_000,
    workers: read('WORKERS') ?? 1,
    forwardAuthJwt: read('FORWARD_AUTH_JWT') === 'on',
  }
  if (wrong.length > 0) throw new StartupError(wrong.join('\n'))
  return Object.freeze(config)
}

const usualProfile = 'boothzen'

/** Each packaged profile tries itself out on data of its own; a vendor's file is changed with its data in place. */
export function usualDirectory(profile: string): string {
  const isPackaged = /^[a-z][a-z0-9-]*$/.test(profile)
  return isPackaged && profile !== usualProfile ? `.latchkey-${profile}` : '.latchkey'
}

/** True for hosts that only this machine reaches (RFC 8252 section 8.3, RFC 6761 section 6.3). */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

function originOf(text: string, production: boolean, wrong: string[]): string {
  const { origin, protocol, hostname, href } = new URL(text)
  if (href !== `${origin}/`) {
    wrong.push(`PUBLIC_URL is ${JSON.stringify(text)}, but must be an origin alone, such as ${origin}.`)
  }
  if (protocol !== 'https:' && (production || !isLoopback(hostname))) {
    const unless = production ? ' in production' : ' unless it is localhost'
    wrong.push(`PUBLIC_URL is ${JSON.stringify(text)}, but must start with https://${unless}.`)
  }
  return origin
}
