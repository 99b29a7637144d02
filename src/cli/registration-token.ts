// latchkey registration-token: with which apps may register, where the profile wants one (RFC 7591 section 3).
import { type Command, InvalidArgumentError } from 'commander'
import { createRegistrationToken, deleteRegistrationToken } from '../apps/registration-token.ts'
import { listRegistrationTokens, type RegistrationToken } from '../apps/registration-token-store.ts'
import { isRegistrationTokenId } from '../core/ids.ts'
import { daySeconds, systemClock } from '../lib/time.ts'
import { readDurationWithin, requireOAuth } from './options.ts'
import { answer, by, found, table, withDatabase } from './session.ts'

const show = (token: RegistrationToken) => ({
  id: token.id,
  name: token.name,
  uses_left: token.usesLeft,
  created_at: token.createdAt,
  expires_at: token.expiresAt,
})

function readUses(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value)
  throw new InvalidArgumentError('It must be a whole number from 1 to 999999999.')
}

export function registrationTokenCommands(program: Command): void {
  const noun = program.command('registration-token').description('tokens with which apps may register')

  noun
    .command('create')
    .description('make one; it is shown this once')
    .requiredOption('--name <name>', 'who gets it, or what for')
    .option('--uses <number>', 'so many apps may register with it (default: any number)', readUses)
    .option(
      '--expires-in <seconds>',
      'so long it is good (default: until it is deleted)',
      readDurationWithin(1, 3650 * daySeconds),
    )
    .action(async (options: { name: string; uses?: number; expiresIn?: number }, command: Command) => {
      const { token, secret } = await withDatabase(({ opened, format, profile }) => {
        requireOAuth(profile)
        return createRegistrationToken(
          opened.database.knex,
          format,
          { name: options.name, uses: options.uses ?? null, expiresInSeconds: options.expiresIn ?? null, by },
          systemClock(),
        )
      })
      const text = `Made ${token.id} (${token.name}). The token is shown this once:\n\n  ${secret.reveal()}`
      answer(command, { ...show(token), token: secret.reveal() }, text)
    })

  noun
    .command('list')
    .description('list them, the newest first')
    .action(async (_options: object, command: Command) => {
      const tokens = await withDatabase(({ opened }) => listRegistrationTokens(opened.database.knex))
      const rows = tokens.map((it) => [
        it.id,
        it.name,
        it.usesLeft === null ? 'any number' : String(it.usesLeft),
        it.expiresAt?.toISOString() ?? 'never',
      ])
      answer(
        command,
        tokens.map(show),
        table([['ID', 'NAME', 'USES LEFT', 'EXPIRES'], ...rows], 'There are no registration tokens.'),
      )
    })

  noun
    .command('delete')
    .argument('<id>', 'the token')
    .description('delete one: nothing registers with it any more; what did, stays')
    .action(async (id: string, _options: object, command: Command) => {
      const gone = await withDatabase(async ({ opened }) =>
        found(
          isRegistrationTokenId(id) ? await deleteRegistrationToken(opened.database.knex, id, by) : null,
          `There is no registration token ${id}.`,
        ),
      )
      answer(command, show(gone), `Deleted ${gone.id} (${gone.name}).`)
    })
}
