// The command line: one file per noun; here only the program and what its errors look like.
import { Command, CommanderError } from 'commander'
import { Problem } from '../core/problems.ts'
import { StartupError } from '../lib/startup-error.ts'
import { appCommands } from './app.ts'
import { auditCommands } from './audit.ts'
import { grantCommands } from './grant.ts'
import { keyCommands } from './key.ts'
import { operationsCommands } from './operations.ts'
import { orgCommands } from './org.ts'
import { personCommands } from './person.ts'

const program = new Command('latchkey')
  .description('The front door of a public API: API keys and OAuth 2.1 apps behind one validator.')
  .option('--json', 'print one JSON value, and nothing else, on standard output')
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })

for (const add of [
  operationsCommands,
  orgCommands,
  personCommands,
  keyCommands,
  appCommands,
  grantCommands,
  auditCommands,
])
  add(program)
inherit(program)

process.exitCode = await run()

async function run(): Promise<number> {
  try {
    await program.parseAsync()
    return 0
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2
    if (thrown instanceof StartupError) console.error(thrown.message)
    else if (thrown instanceof Problem && thrown.status < 500) console.error(thrown.say)
    else console.error(thrown)
    return 1
  }
}

/** Every command takes --json at its end too, and leaves exiting to us. */
function inherit(parent: Command): void {
  for (const command of parent.commands) {
    command.exitOverride()
    if (command.commands.length === 0 && command.name() !== 'serve') {
      command.option('--json', 'print one JSON value, and nothing else, on standard output')
    }
    inherit(command)
  }
}
