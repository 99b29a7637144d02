// latchkey signing-key: the keys that the authorization server signs with, and publishes.
import type { Command } from 'commander'
import { cookieKeysOf } from '../cookie-keys.ts'
import { daySeconds, systemClock } from '../lib/time.ts'
import { listSigningKeys, type StoredSigningKey } from '../oauth/signing-key-store.ts'
import { retireSigningKey, rotateSigningKey, stateOf } from '../oauth/signing-keys.ts'
import { readDurationWithin } from './options.ts'
import { answer, by, found, table, withDatabase } from './session.ts'

const show = (key: StoredSigningKey) => ({
  id: key.id,
  state: stateOf(key, systemClock()),
  created_at: key.createdAt,
  retires_at: key.retiresAt,
})

export function signingKeyCommands(program: Command): void {
  const key = program.command('signing-key').description("the authorization server's signing keys")

  key
    .command('rotate')
    .description('make a new key; those before it stay published for the overlap')
    .option(
      '--overlap <duration>',
      'so long those before it are published, such as 7d',
      readDurationWithin(0, 365 * daySeconds),
      7 * daySeconds,
    )
    .action(async ({ overlap }: { overlap: number }, command: Command) => {
      const made = await withDatabase(({ opened, config }) =>
        rotateSigningKey(
          opened.database.knex,
          cookieKeysOf(config),
          { overlapSeconds: overlap, by },
          systemClock(),
        ),
      )
      const shown = { id: made.created, retiring: made.retiring, retires_at: made.retiresAt }
      const until =
        made.retiring.length === 0
          ? ''
          : ` ${made.retiring.join(', ')} stays published until ${made.retiresAt.toISOString()}.`
      answer(command, shown, `Made ${made.created}.${until} Running servers publish it within seconds.`)
    })

  key
    .command('list')
    .description('list the keys, the newest first')
    .action(async (_options: object, command: Command) => {
      const all = await withDatabase(({ opened }) => listSigningKeys(opened.database.knex))
      const rows = all
        .map(show)
        .map((it) => [
          it.id,
          it.state,
          it.created_at.toISOString(),
          it.retires_at ? it.retires_at.toISOString() : '',
        ])
      const head = ['ID', 'STATE', 'CREATED', 'RETIRES']
      answer(command, all.map(show), table([head, ...rows], 'There are no signing keys.'))
    })

  key
    .command('retire')
    .argument('<id>', 'the key')
    .description('end the overlap of a key at once: it is published no more')
    .action(async (id: string, _options: object, command: Command) => {
      const retired = await withDatabase(async ({ opened }) =>
        found(
          await retireSigningKey(opened.database.knex, id, by, systemClock()),
          `There is no signing key ${id}.`,
        ),
      )
      answer(command, show(retired), `${retired.id} is retired.`)
    })
}
