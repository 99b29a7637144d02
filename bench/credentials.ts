// The credentials to measure with, got as anybody gets them: by the command line and the OAuth flow.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { App } from '../src/apps/app.ts'
import type { ClientId, OrganizationId } from '../src/core/ids.ts'
import { packageRoot } from '../src/lib/package-root.ts'
import { obtainTokens, redirectUri } from '../test/support/authorization.ts'
import { password } from '../test/support/password.ts'
import { RunFailed } from './run-failed.ts'

export interface Credentials {
  readonly apiKey: string
  readonly accessToken: string
}

export interface CredentialsWanted {
  /** As the server's own: the commands use its database. */
  readonly env: NodeJS.ProcessEnv
  readonly publicUrl: string
  readonly scopes: readonly string[]
}

const email = 'bench@example.com'
const org = ['--org', 'bench']

export const keySchema = z.object({ secret: z.string() })
const appSchema = z.object({
  client_id: z.custom<ClientId>((it) => typeof it === 'string'),
  organization_id: z.custom<OrganizationId>((it) => typeof it === 'string'),
  name: z.string(),
  mode: z.enum(['live', 'test']),
  redirect_uris: z.array(z.string()),
  scopes: z.array(z.string()),
  refresh_grace_seconds: z.number(),
  refresh_lifetime_seconds: z.number(),
  created_at: z.coerce.date(),
})

/** A key and an access token with the same scopes, of a running server. */
export async function obtainCredentials(
  wanted: CredentialsWanted,
  signal: AbortSignal,
): Promise<Credentials> {
  const { env, publicUrl, scopes } = wanted
  const run = (...command: string[]) => runCommand(command, env, signal)
  const scope = scopes.flatMap((name) => ['--scope', name])
  await run('org', 'create', '--name', 'Bench', '--slug', 'bench')
  await run('person', 'create', email, ...org, '--role', 'ADMIN', '--password', password)
  const key = keySchema.parse(await run('key', 'create', ...org, '--mode', 'live', ...scope))
  const redirect = ['--redirect-uri', redirectUri]
  const app = readApp(await run('app', 'create', ...org, '--name', 'Bench', '--mode', 'live', ...redirect))
  const tokens = await obtainTokens(publicUrl, app, email, scopes.join(' '))
  return { apiKey: key.secret, accessToken: tokens.access_token }
}

/** The one JSON value of a command of ours. */
export async function runCommand(
  command: string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<unknown> {
  const args = [join(packageRoot, 'bin', 'latchkey.js'), ...command, '--json']
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, signal })
    return JSON.parse(stdout)
  } catch (cause) {
    // Not the cause's message: it repeats the command with the password.
    const why = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : ''
    throw new RunFailed(`latchkey ${command.slice(0, 2).join(' ')} failed: ${why}`)
  }
}

function readApp(shown: unknown): App {
  const app = appSchema.parse(shown)
  return {
    clientId: app.client_id,
    organization: app.organization_id,
    name: app.name,
    mode: app.mode,
    redirectUris: app.redirect_uris,
    scopes: app.scopes,
    refreshGraceSeconds: app.refresh_grace_seconds,
    refreshLifetimeSeconds: app.refresh_lifetime_seconds,
    createdAt: app.created_at,
    registration: 'manual',
    homepage: null,
    policyUri: null,
    termsUri: null,
    optionalScopes: [],
    refreshIdleSeconds: null,
    reuseResponse: 'revoke',
    requiresDpop: false,
    isVerified: false,
    isSuspended: false,
    isStopped: false,
    fingerprint: null,
  }
}
