// latchkey app: OAuth apps.
import type { Command } from 'commander'
import type { App, ReuseResponse } from '../apps/app.ts'
import { listApps } from '../apps/app-store.ts'
import { deleteApp, registerApp } from '../apps/register-app.ts'
import { isClientId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import { appScopes } from '../core/profile.ts'
import { daySeconds, systemClock } from '../lib/time.ts'
import {
  checkScopes,
  collect,
  collectScopes,
  organizationOf,
  readDurationWithin,
  readIdle,
  readMode,
  readReuseResponse,
} from './options.ts'
import { answer, by, found, table, withDatabase } from './session.ts'

const show = (app: App) => ({
  client_id: app.clientId,
  organization_id: app.organization,
  name: app.name,
  mode: app.mode,
  redirect_uris: app.redirectUris,
  scopes: app.scopes,
  token_endpoint_auth_method: 'none',
  refresh_grace_seconds: app.refreshGraceSeconds,
  refresh_lifetime_seconds: app.refreshLifetimeSeconds,
  refresh_idle_seconds: app.refreshIdleSeconds,
  reuse_response: app.reuseResponse,
  dpop_bound_access_tokens: app.requiresDpop,
  created_at: app.createdAt,
})

interface CreateOptions {
  readonly org: string
  readonly name: string
  readonly redirectUri: string[]
  readonly scope?: string[]
  readonly mode: Mode
  readonly refreshGrace?: number
  readonly refreshLifetime?: number
  /** null for `none`. */
  readonly refreshIdle?: number | null
  readonly onReuse: ReuseResponse
  readonly dpop: boolean
}

export function appCommands(program: Command): void {
  const app = program.command('app').description('OAuth apps')

  app
    .command('create')
    .description('register a public client; no secret exists, PKCE is always required')
    .requiredOption('--org <id or slug>', 'whose developers it belongs to')
    .requiredOption('--name <name>', 'the name that people see when they are asked')
    .requiredOption(
      '--redirect-uri <uri>',
      'compared exactly, but for the port on loopback; may be given more than once',
      collect,
    )
    .option('--mode <mode>', 'live or test', readMode, 'live')
    .option(
      '--scope <scope>',
      'the most that it may ask for; may be given more than once (default: all)',
      collectScopes,
    )
    .option(
      '--refresh-grace <seconds>',
      'so long a lost refresh answer is given again',
      readDurationWithin(0, 1800),
    )
    .option(
      '--refresh-lifetime <seconds>',
      'so long after consent it ends',
      readDurationWithin(60, 3650 * daySeconds),
    )
    .option(
      '--refresh-idle <seconds>',
      "so long unused a refresh token ends, or none (default: the profile's)",
      readIdle,
    )
    .option(
      '--on-reuse <response>',
      'what a retired refresh token that comes back late does: revoke its family, or refuse it and no more',
      readReuseResponse,
      'revoke',
    )
    .option('--dpop', 'its tokens are bound to a key of its own (RFC 9449)', false)
    .action(async (options: CreateOptions, command: Command) => {
      const made = await withDatabase(async ({ opened, profile }) => {
        const { knex } = opened.database
        const wanted = {
          organization: (await organizationOf(knex, options.org)).id,
          mode: options.mode,
          name: options.name,
          redirectUris: options.redirectUri,
          scopes: checkScopes(profile, options.scope ?? appScopes(profile)),
          refreshGraceSeconds: options.refreshGrace ?? profile.oauth.refreshGraceSeconds,
          refreshLifetimeSeconds: options.refreshLifetime ?? profile.oauth.refreshTokenSeconds,
          refreshIdleSeconds:
            options.refreshIdle === undefined ? profile.oauth.refreshIdleSeconds : options.refreshIdle,
          reuseResponse: options.onReuse,
          requiresDpop: options.dpop,
          by,
        }
        return registerApp(knex, wanted, systemClock())
      })
      answer(command, show(made), `Registered ${made.name}.\n\n  client_id  ${made.clientId}`)
    })

  app
    .command('list')
    .description('list apps, the newest first')
    .option('--org <id or slug>', 'of one organization')
    .action(async ({ org }: { org?: string }, command: Command) => {
      const apps = await withDatabase(async ({ opened: { database } }) =>
        listApps(database.knex, org === undefined ? null : (await organizationOf(database.knex, org)).id),
      )
      const rows = apps.map((it) => [it.clientId, it.name, it.mode, it.redirectUris.join(' ')])
      answer(
        command,
        apps.map(show),
        table([['CLIENT_ID', 'NAME', 'MODE', 'REDIRECT URIS'], ...rows], 'There are no apps.'),
      )
    })

  app
    .command('delete')
    .argument('<client_id>', 'the app')
    .description('delete an app: every grant and token of it ends')
    .action(async (clientId: string, _options: object, command: Command) => {
      const gone = await withDatabase(async ({ opened }) =>
        found(
          isClientId(clientId) ? await deleteApp(opened.database.knex, clientId, by) : null,
          `There is no app ${clientId}.`,
        ),
      )
      answer(command, show(gone), `Deleted ${gone.clientId} (${gone.name}).`)
    })
}
