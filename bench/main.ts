// npm run bench -- <benchmark>: prints figures and judges nothing. Here only the program and its errors; one
// file per benchmark.
import { Command, CommanderError } from 'commander'
import { StartupError } from '../src/lib/startup-error.ts'
import { apiCommand } from './api.ts'
import { Interrupted } from './cleanup.ts'
import { createKeysCommand } from './create-keys.ts'
import { importCommand } from './import.ts'
import { keysCommand } from './keys.ts'
import { ledgerCommand } from './ledger.ts'
import { limitsCommand } from './limits.ts'
import { RunFailed } from './run-failed.ts'
import { sweepCommand } from './sweep.ts'
import { tokensCommand } from './tokens.ts'
import { usageCommand } from './usage.ts'

const program = new Command('npm run bench --')
  .description('Measures how fast Latchkey is, as ratios to what it stands on.')
  .exitOverride()

const commands = [
  apiCommand,
  createKeysCommand,
  importCommand,
  keysCommand,
  ledgerCommand,
  limitsCommand,
  sweepCommand,
  tokensCommand,
  usageCommand,
]
for (const add of commands) add(program)
for (const command of program.commands) command.exitOverride()

process.exitCode = await run()

async function run(): Promise<number> {
  try {
    await program.parseAsync()
    return 0
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2
    const isPlain = [Interrupted, RunFailed, StartupError].some((kind) => thrown instanceof kind)
    console.error(isPlain && thrown instanceof Error ? thrown.message : thrown)
    return thrown instanceof Interrupted ? thrown.exitCode : 1
  }
}
