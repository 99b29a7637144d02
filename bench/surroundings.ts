// What a Latchkey under test lives in: a temporary folder, a profile without limits, a database of its own.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../src/core/config.ts'
import type { Profile } from '../src/core/profile.ts'
import { checkReachable } from '../src/db/connect.ts'
import { packageRoot } from '../src/lib/package-root.ts'
import { Secret } from '../src/lib/secret.ts'
import { prepareTemplate, urlOf } from '../test/support/database.ts'
import type { Cleanup } from './cleanup.ts'

export interface Surroundings {
  /** For the server and every command, but for the port. */
  readonly env: NodeJS.ProcessEnv
  readonly database: 'embedded' | 'server'
}

/** What Latchkey reads from the environment: none of it is to come from the shell that runs the bench. */
const settings = [
  ...['NODE_ENV', 'PORT', 'HOST', 'PUBLIC_URL', 'DATABASE_URL', 'DATABASE_URL_DIRECT', 'REDIS_URL'],
  ...['DATA_DIR', 'PROFILE', 'LOG_LEVEL', 'COOKIE_KEYS', 'TRUST_PROXY', 'WORKERS', 'CREDENTIAL_CACHE'],
  ...['FORWARD_AUTH_JWT', 'METRICS_TOKEN', 'SMTP_URL', 'MAIL_FROM'],
]

/** This process's environment without Latchkey's settings. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !settings.includes(name)))
}

/** With a database of its own on the server that `url` names, or the embedded PostgreSQL. */
export async function prepareSurroundings(
  cleanup: Cleanup,
  url = process.env['DATABASE_URL'],
): Promise<Surroundings> {
  const folder = await makeFolder(cleanup)
  const profile = join(folder, 'profile.json')
  await writeFile(profile, JSON.stringify(await unlimitedProfile()))
  const env = { ...plainEnvironment(), DATA_DIR: folder, PROFILE: profile }
  if (!url) return { env, database: 'embedded' }
  return { env: { ...env, DATABASE_URL: await makeDatabase(url, cleanup) }, database: 'server' }
}

async function makeFolder({ add }: Cleanup): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
  add(() => removeFolder(folder))
  // Root's PostgreSQL runs as nobody, who has to get through.
  await chmod(folder, 0o711)
  return folder
}

async function removeFolder(folder: string): Promise<void> {
  // Written by Latchkey when nobody could not get here: the database then lies where its first line says.
  const location = await readFile(join(folder, 'postgres-location.txt'), 'utf8').catch(() => '')
  const [elsewhere] = location.split('\n')
  for (const path of [elsewhere, folder]) {
    if (path) await rm(path, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function makeDatabase(url: string, { add }: Cleanup): Promise<string> {
  loadConfig({ DATABASE_URL: url }) // says what is wrong with one that is none
  const secret = new Secret(url)
  await checkReachable({ kind: 'url', url: secret, directUrl: secret })
  const { name, drop } = await prepareTemplate(url)
  add(drop)
  return urlOf(url, name)
}

/** The packaged profile with the same number of windows, none of which is ever full. */
async function unlimitedProfile(): Promise<object> {
  const folder = join(packageRoot, 'profiles')
  const profile: Profile = JSON.parse(await readFile(join(folder, 'boothzen.json'), 'utf8'))
  const rateClasses = Object.entries(profile.rateClasses).map(([name, rateClass]) => [
    name,
    { ...rateClass, windows: rateClass.windows.map(({ seconds }) => ({ requests: 1_000_000_000, seconds })) },
  ])
  return {
    ...profile,
    openapi: join(folder, profile.openapi),
    sample: { ...profile.sample, rows: join(folder, profile.sample.rows) },
    rateClasses: Object.fromEntries(rateClasses),
    failedCredentials: { requests: 1_000_000_000, seconds: 60 },
  }
}
