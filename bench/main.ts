// npm run bench -- <benchmark>: prints figures and judges nothing. Here only the program and its errors; one
// file per benchmark.
import { Command, CommanderError } from 'commander'
import { StartupError } from '../src/lib/startup-error.ts'
import { agingCommand } from './aging.ts'
import { apiCommand } from './api.ts'
import { batchCommand } from './batch.ts'
import { cacheMemoryCommand } from './cache-memory.ts'
import { Interrupted } from './cleanup.ts'
import { createKeysCommand } from './create-keys.ts'
import { dutiesCommand } from './duties.ts'
import { floodCommand } from './flood.ts'
import { growthCommand } from './growth.ts'
import { importCommand } from './import.ts'
import { introspectionCommand } from './introspection.ts'
import { keysCommand } from './keys.ts'
import { ledgerCommand } from './ledger.ts'
import { limitsCommand } from './limits.ts'
import { peersCommand } from './peers.ts'
import { RunFailed } from './run-failed.ts'
import { sweepCommand } from './sweep.ts'
import { tokensCommand } from './tokens.ts'
import { uncachedCommand } from './uncached.ts'
import { usageCommand } from './usage.ts'
import { workersCommand } from './workers.ts'

const program = new Command('npm run bench --')
  .description('Measures how fast Latchkey is, as ratios to what it stands on.')
  .exitOverride()

const commands = [
  agingCommand,
  apiCommand,
  batchCommand,
  cacheMemoryCommand,
  createKeysCommand,
  dutiesCommand,
  floodCommand,
  growthCommand,
  importCommand,
  introspectionCommand,
  keysCommand,
  ledgerCommand,
  limitsCommand,
  peersCommand,
  sweepCommand,
  tokensCommand,
  uncachedCommand,
  usageCommand,
  workersCommand,
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
