// latchkey key: API keys.
import type { Command } from 'commander'
import { isKeyId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import { issueKey } from '../keys/issue-key.ts'
import { type ApiKey, keyState } from '../keys/key.ts'
import { listKeys } from '../keys/key-store.ts'
import { revokeKey } from '../keys/revoke-key.ts'
import { addSeconds, daySeconds, systemClock } from '../lib/time.ts'
import { checkScopes, collectScopes, organizationOf, readDurationWithin, readMode } from './options.ts'
import { actor, answer, found, table, withDatabase } from './session.ts'

const listLimit = 1000

const show = (key: ApiKey) => ({
  id: key.id,
  organization_id: key.organization,
  name: key.name,
  mode: key.mode,
  scopes: key.scopes,
  prefix: key.prefix,
  last_four: key.lastFour,
  created_at: key.createdAt,
  expires_at: key.expiresAt,
  state: keyState(key, systemClock()),
})

interface CreateOptions {
  readonly org: string
  readonly mode: Mode
  readonly scope: string[]
  readonly name: string
  readonly expiresIn?: number
}

export function keyCommands(program: Command): void {
  const key = program.command('key').description('API keys')

  key
    .command('create')
    .description('create a key; its secret is shown this once')
    .requiredOption('--org <id or slug>', 'whose key it is')
    .requiredOption('--mode <mode>', 'live or test', readMode)
    .requiredOption('--scope <scope>', 'what it may do; may be given more than once', collectScopes)
    .option('--name <name>', 'what it is for', 'API key')
    .option(
      '--expires-in <duration>',
      'seconds, or such as 90d; without it the key does not expire',
      readDurationWithin(1, 3650 * daySeconds),
    )
    .action(async (options: CreateOptions, command: Command) => {
      const { key: made, secret } = await withDatabase(async ({ opened, profile, format }) => {
        const { knex } = opened.database
        const now = systemClock()
        const wanted = {
          organization: (await organizationOf(knex, options.org)).id,
          mode: options.mode,
          name: options.name,
          scopes: checkScopes(profile, options.scope),
          expiresAt: options.expiresIn === undefined ? null : addSeconds(now, options.expiresIn),
          actor,
        }
        return issueKey(knex, format, wanted, now)
      })
      const text = `${made.id}  ${made.mode}  ${made.scopes.join(' ')}\n\n  ${secret.reveal()}\n\nKeep it: it is not shown again.`
      answer(command, { ...show(made), secret: secret.reveal() }, text)
    })

  key
    .command('list')
    .description('list keys, the newest first')
    .requiredOption('--org <id or slug>', 'whose keys')
    .action(async ({ org }: { org: string }, command: Command) => {
      const keys = await withDatabase(async ({ opened: { database } }) =>
        listKeys(database.knex, (await organizationOf(database.knex, org)).id, listLimit),
      )
      const rows = keys.map((it) => [
        it.id,
        it.name,
        `${it.prefix}…${it.lastFour}`,
        it.mode,
        keyState(it, systemClock()),
        it.scopes.join(' '),
      ])
      const head = ['ID', 'NAME', 'KEY', 'MODE', 'STATE', 'SCOPES']
      answer(command, keys.map(show), table([head, ...rows], 'There are no keys.'))
    })

  key
    .command('revoke')
    .argument('<id>', 'the key')
    .description('revoke a key: it is refused from now on')
    .action(async (id: string, _options: object, command: Command) => {
      const revoked = await withDatabase(async ({ opened }) =>
        found(
          isKeyId(id) ? await revokeKey(opened.database.knex, id, actor, systemClock()) : null,
          `There is no key ${id}.`,
        ),
      )
      answer(command, show(revoked), `Revoked ${revoked.id} (${revoked.name}).`)
    })
}
