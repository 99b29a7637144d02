// latchkey app: OAuth apps.
import type { Command } from 'commander'
import type { App, ReuseResponse } from '../apps/app.ts'
import { findApp, listApps } from '../apps/app-store.ts'
import { deleteApp, registerApp } from '../apps/register-app.ts'
import { verifyApp } from '../apps/verify-app.ts'
import { type ClientId, isClientId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import { appScopes } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { readKeyMode } from '../keys/new-key.ts'
import { daySeconds, systemClock } from '../lib/time.ts'
import { resumeApp, suspendApp } from '../offboarding/suspend-app.ts'
import {
  checkScopes,
  collect,
  collectScopes,
  organizationOf,
  readDurationWithin,
  readIdle,
  readMode,
  readReuseResponse,
  requireOAuth,
} from './options.ts'
import { answer, by, found, table, withDatabase } from './session.ts'

const show = (app: App) => ({
  client_id: app.clientId,
  organization_id: app.organization,
  registration: app.registration,
  name: app.name,
  mode: app.mode,
  verified: app.isVerified,
  suspended: app.isSuspended,
  homepage: app.homepage,
  redirect_uris: app.redirectUris,
  scopes: app.scopes,
  optional_scopes: app.optionalScopes,
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
  readonly optionalScope?: string[]
  readonly homepage?: string
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
      '--optional-scope <scope>',
      'one that people may leave out; may be given more than once',
      collectScopes,
    )
    .option('--homepage <url>', 'https: where people read about it')
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
        requireOAuth(profile)
        const optionalScopes = options.optionalScope ?? []
        const wanted = {
          organization: (await organizationOf(knex, options.org)).id,
          mode: readKeyMode(profile, options.mode),
          name: options.name,
          redirectUris: options.redirectUri,
          scopes: checkScopes(profile, [...(options.scope ?? appScopes(profile)), ...optionalScopes]),
          optionalScopes,
          homepage: options.homepage ?? null,
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
      const rows = apps.map((it) => [
        it.clientId,
        it.mode,
        it.registration,
        it.isVerified ? 'yes' : 'no',
        it.isSuspended ? 'suspended' : it.isStopped ? 'stopped' : 'active',
        it.name,
        it.redirectUris.join(' '),
      ])
      const head = ['CLIENT_ID', 'MODE', 'REGISTRATION', 'VERIFIED', 'STATE', 'NAME', 'REDIRECT URIS']
      answer(command, apps.map(show), table([head, ...rows], 'There are no apps.'))
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

  app
    .command('verify')
    .argument('<client_id>', 'the app')
    .description('say on the page that asks people that you know who is behind an app')
    .option('--undo', 'do not say it any more')
    .action(async (clientId: string, { undo = false }: { undo?: boolean }, command: Command) => {
      const { isChanged, now } = await withApp(clientId, (knex, id) =>
        verifyApp(knex, id, !undo, by, systemClock()),
      )
      const already = undo ? 'was not verified' : 'was verified already'
      const said = isChanged ? `is ${undo ? 'not verified any more' : 'verified'}` : already
      answer(command, show(now), `${now.name} (${now.clientId}) ${said}.`)
    })

  app
    .command('suspend')
    .argument('<client_id>', 'the app')
    .description('refuse an app and its access tokens until it is resumed; its developers can not resume it')
    .action(async (clientId: string, _options: object, command: Command) => {
      const { isChanged, now } = await withApp(clientId, (knex, app) =>
        suspendApp(knex, { app, by, as: 'vendor' }, systemClock()),
      )
      const said = isChanged
        ? 'is suspended: its access tokens are refused from now on'
        : 'was suspended already'
      answer(command, show(now), `${now.name} (${now.clientId}) ${said}.`)
    })

  app
    .command('resume')
    .argument('<client_id>', 'the app')
    .description('let an app go on with what it was allowed')
    .action(async (clientId: string, _options: object, command: Command) => {
      const { isChanged, now } = await withApp(clientId, (knex, app) =>
        resumeApp(knex, { app, by, as: 'vendor' }),
      )
      const waits = now.isStopped ? ', but its organization is suspended: it waits for that' : ''
      const said = isChanged ? `is resumed${waits}` : 'was not suspended'
      answer(command, show(now), `${now.name} (${now.clientId}) ${said}.`)
    })
}

/** Does it to the app that there is; gives the app as it is then. @throws Problem resource_not_found */
function withApp(
  clientId: string,
  change: (knex: Db, id: ClientId) => Promise<boolean | null>,
): Promise<{ readonly isChanged: boolean; readonly now: App }> {
  return withDatabase(async ({ opened: { database } }) => {
    const find = async () =>
      found(isClientId(clientId) ? await findApp(database, clientId) : null, `There is no app ${clientId}.`)
    const isChanged = await change(database.knex, (await find()).clientId)
    return { isChanged: isChanged === true, now: await find() }
  })
}
