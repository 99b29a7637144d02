// latchkey serve, migrate, doctor: running the thing.
import type { Command } from 'commander'
import { loadBase, openConfiguredDatabase } from '../base.ts'
import { isAtHead, migrate } from '../db/migrate.ts'
import { StartupError } from '../lib/startup-error.ts'
import { answer } from './session.ts'

export function operationsCommands(program: Command): void {
  program
    .command('serve')
    .description('start the server; settings come from the environment, see the README')
    // The whole house: the other commands start in half the time without it.
    .action(async () => (await import('../main.ts')).serve(process.env))

  program
    .command('migrate')
    .description('bring the database to the newest schema')
    .action(async (_options: object, command: Command) => {
      const { config } = loadBase(process.env)
      const opened = await openConfiguredDatabase(config, 'borrower')
      try {
        const applied = await migrate(opened.address)
        const text = applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'There was nothing to apply.'
        answer(command, { applied }, text)
      } finally {
        await opened.close()
      }
    })

  program
    .command('doctor')
    .description('check configuration, profile, contract and database')
    .action(async (_options: object, command: Command) => {
      const { config, profile } = loadBase(process.env)
      const { loadContract } = await import('../core/contract.ts')
      const contract = loadContract(profile, config.publicUrl)
      const opened = await openConfiguredDatabase(config, 'borrower')
      try {
        const atHead = await isAtHead(opened.database.knex).catch(() => false)
        const facts = {
          node: process.versions.node,
          environment: config.environment,
          public_url: config.publicUrl,
          profile: profile.name,
          operations: contract.operations.length,
          database: opened.description,
          migrations_at_head: atHead,
        }
        answer(
          command,
          facts,
          Object.entries(facts)
            .map(([name, value]) => `${name.padEnd(20)}${value}`)
            .join('\n'),
        )
        if (!atHead) throw new StartupError('The database lacks migrations. Run: npx latchkey migrate')
      } finally {
        await opened.close()
      }
    })
}
