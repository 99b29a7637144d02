// latchkey platform: partners whose backends provision organizations of their customers.
import type { Command } from 'commander'
import { isPlatformId, type PlatformId } from '../core/ids.ts'
import { appScopes } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { systemClock } from '../lib/time.ts'
import {
  type PlatformChange,
  type PlatformRequest,
  resumePlatform,
  suspendPlatform,
} from '../offboarding/suspend-platform.ts'
import {
  createPlatform,
  type PlatformWithSecret,
  rotatePlatformKey,
} from '../organizations/create-platform.ts'
import { findPlatform, listPlatforms, type Platform } from '../organizations/platform-store.ts'
import { checkScopes, collectScopes } from './options.ts'
import { answer, by, found, table, withDatabase } from './session.ts'

const show = (platform: Platform) => ({
  id: platform.id,
  name: platform.name,
  scopes: platform.scopes,
  prefix: platform.prefix,
  last_four: platform.lastFour,
  state: stateOf(platform),
  created_at: platform.createdAt,
  suspended_at: platform.suspendedAt,
})

const stateOf = ({ suspendedAt }: Platform) => (suspendedAt ? 'suspended' : 'active')
const noPlatform = (id: string) => `There is no platform ${id}.`

export function platformCommands(program: Command): void {
  const platform = program.command('platform').description('partners that provision organizations')

  platform
    .command('create')
    .description('create a platform; the secret of its key is shown this once')
    .requiredOption('--name <name>', 'its name')
    .option(
      '--scope <scope>',
      'what keys that it provisions may do at most; may be given more than once (default: all that apps may)',
      collectScopes,
    )
    .action(async ({ name, scope }: { name: string; scope?: string[] }, command: Command) => {
      const made = await withDatabase(({ opened, profile, format }) => {
        const scopes = scope ? checkScopes(profile, scope) : appScopes(profile)
        return createPlatform(opened.database.knex, format, { name, scopes, by }, systemClock())
      })
      answerWithSecret(command, made)
    })

  platform
    .command('list')
    .description('list platforms')
    .action(async (_options: object, command: Command) => {
      const all = await withDatabase(({ opened }) => listPlatforms(opened.database.knex))
      const rows = all.map((it) => [it.id, it.name, `${it.prefix}…${it.lastFour}`, stateOf(it)])
      const head = ['ID', 'NAME', 'KEY', 'STATE']
      answer(command, all.map(show), table([head, ...rows], 'There are no platforms.'))
    })

  platform
    .command('rotate-key')
    .argument('<id>', 'the platform')
    .description('give it a new key, shown this once; the old one is refused from now on')
    .action(async (id: string, _options: object, command: Command) => {
      const made = await withDatabase(({ opened, format }) =>
        rotatePlatformKey(opened.database.knex, format, { id: readId(id), by }),
      )
      answerWithSecret(command, made)
    })

  const addChange = (
    name: string,
    description: string,
    sentences: { readonly done: (changed: PlatformChange) => string; readonly already: string },
    change: (db: Db, request: PlatformRequest, now: Date) => Promise<PlatformChange | null>,
  ) =>
    platform
      .command(name)
      .argument('<id>', 'the platform')
      .description(description)
      .action(async (id: string, _options: object, command: Command) => {
        const { changed, now } = await withDatabase(async ({ opened: { database } }) => ({
          changed: await change(database.knex, { platform: readId(id), by }, systemClock()),
          now: found(await findPlatform(database.knex, readId(id)), noPlatform(id)),
        }))
        const text = changed ? sentences.done(changed) : `${now.name} (${now.id}) ${sentences.already}.`
        answer(command, show(now), text)
      })

  addChange(
    'suspend',
    'refuse its key, and everything of the organizations that it provisioned, until it is resumed',
    {
      done: ({ platform: it, stopped }) => `Suspended ${it.name} (${it.id}). ${countOf(stopped)} stopped.`,
      already: 'was suspended already',
    },
    suspendPlatform,
  )
  addChange(
    'resume',
    'let it and its organizations go on, but for those that are suspended by themselves',
    {
      done: ({ platform: it, running }) => `Resumed ${it.name} (${it.id}). ${countOf(running)} on again.`,
      already: 'is not suspended',
    },
    resumePlatform,
  )
}

function answerWithSecret(command: Command, { platform, secret }: PlatformWithSecret): void {
  const head = [platform.id, platform.name, platform.scopes.join(' ')].filter(Boolean).join('  ')
  const text = `${head}\n\n  ${secret.reveal()}\n\nKeep it: it is not shown again.`
  answer(command, { ...show(platform), secret: secret.reveal() }, text)
}

/** @throws Problem resource_not_found */
function readId(id: string): PlatformId {
  return found(isPlatformId(id) ? id : null, noPlatform(id))
}

function countOf(organizations: readonly unknown[]): string {
  if (organizations.length === 0) return 'No organization'
  return organizations.length === 1 ? '1 organization' : `${organizations.length} organizations`
}
