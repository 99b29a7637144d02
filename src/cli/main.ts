// The command line: one file per noun; here only the program and what its errors look like.
import { Command, CommanderError } from 'commander'
import { Problem } from '../core/problems.ts'
import { StartupError } from '../lib/startup-error.ts'

const program = new Command('latchkey')
  .description('The front door of a public API: API keys and OAuth 2.1 apps behind one validator.')
  .option('--json', 'print one JSON value, and nothing else, on standard output')
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })

type Add = (program: Command) => void

/** Each noun with the file that knows it: a command starts twice as fast without the others. */
const nouns: Readonly<Record<string, () => Promise<Add>>> = {
  serve: async () => (await import('./operations.ts')).operationsCommands,
  org: async () => (await import('./org.ts')).orgCommands,
  person: async () => (await import('./person.ts')).personCommands,
  platform: async () => (await import('./platform.ts')).platformCommands,
  key: async () => (await import('./key.ts')).keyCommands,
  import: async () => (await import('./import.ts')).importCommands,
  app: async () => (await import('./app.ts')).appCommands,
  'registration-token': async () => (await import('./registration-token.ts')).registrationTokenCommands,
  grant: async () => (await import('./grant.ts')).grantCommands,
  'resource-server': async () => (await import('./resource-server.ts')).resourceServerCommands,
  'signing-key': async () => (await import('./signing-key.ts')).signingKeyCommands,
  'cookie-key': async () => (await import('./cookie-key.ts')).cookieKeyCommands,
  audit: async () => (await import('./audit.ts')).auditCommands,
  profile: async () => (await import('./profile.ts')).profileCommands,
  sweep: async () => (await import('./sweep.ts')).sweepCommands,
}

// Who asks for help, or for something that there is not, is shown all of them.
const asked = nouns[process.argv.slice(2).find((word) => !word.startsWith('-')) ?? '']
for (const load of asked ? [asked] : Object.values(nouns)) (await load())(program)
inherit(program)

process.exitCode = await run()

async function run(): Promise<number> {
  try {
    await program.parseAsync()
    // A command that answers with what it found wrong says so by its exit code.
    return Number(process.exitCode ?? 0)
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
