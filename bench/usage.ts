// What it costs to note a use (at each request), to hold what was noted, and to write it: for keys, in this process.
import type { Command } from 'commander'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import type { KeyId } from '../src/core/ids.ts'
import type { ApiKeyPrincipal } from '../src/core/principal.ts'
import { createLog } from '../src/core/telemetry.ts'
import { createLastUse, type LastUse, type PresentedUse } from '../src/credentials/last-use.ts'
import type { Db } from '../src/db/connect.ts'
import { migrate } from '../src/db/migrate.ts'
import { writeKeyUses } from '../src/keys/key-use-store.ts'
import { millisecondsOf, systemClock } from '../src/lib/time.ts'
import { writeGrantUses } from '../src/oauth/grant-use-store.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { describeMachine } from './report.ts'
import { spreadOf } from './statistics.ts'
import { prepareSurroundings } from './surroundings.ts'

const ownerCounts = [1, 1000, 10_000] as const
const rounds = 12
const notesPerRound = 1_000_000
const mostKeys = Math.max(...ownerCounts)

export function usageCommand(program: Command): void {
  program
    .command('usage')
    .description('measure what it costs to count calls: to note one, to hold it, to write a batch')
    .option('--json', 'print one JSON value, and nothing else, on standard output')
    .action(async (options: { readonly json?: true }) => {
      const report = await withCleanup(run)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

async function run(cleanup: Cleanup) {
  const { env } = await prepareSurroundings(cleanup)
  const opened = await openConfiguredDatabase(loadConfig(env), 'borrower')
  cleanup.add(() => opened.close())
  await migrate(opened.address)
  const { knex } = opened.database
  await makeKeys(knex)
  const writers = { api_key: writeKeyUses, access_token: writeGrantUses }
  const lastUse = createLastUse(knex, writers, millisecondsOf(systemClock), createLog('warn'))
  cleanup.add(() => lastUse.close())
  const keys = Array.from({ length: mostKeys }, (_, index) => principal(index))

  const notes = []
  for (const owners of ownerCounts) {
    const some = keys.slice(0, owners)
    const ns = []
    for (let round = -2; round < rounds; round += 1) {
      cleanup.signal.throwIfAborted()
      const taken = noteMany(lastUse, some)
      if (round >= 0) ns.push(taken)
    }
    notes.push({ owners, ns: spreadOf(ns) })
    await lastUse.write()
  }

  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  noteMany(lastUse, keys)
  globalThis.gc?.()
  const bytes = Math.round((process.memoryUsage().heapUsed - before) / mostKeys)

  const writing = []
  for (let round = 0; round < rounds; round += 1) {
    noteMany(lastUse, keys)
    const began = { at: performance.now(), cpu: process.cpuUsage() }
    await lastUse.write()
    const { user, system } = process.cpuUsage(began.cpu)
    writing.push({ ms: performance.now() - began.at, cpuMs: (user + system) / 1000 })
  }
  return {
    benchmark: 'usage',
    ...describeMachine(),
    notes,
    bytes_per_owner: globalThis.gc ? bytes : null,
    written_owners: mostKeys,
    write_ms: spreadOf(writing.map(({ ms }) => ms)),
    write_cpu_ms: spreadOf(writing.map(({ cpuMs }) => cpuMs)),
  }
}

/** As the API's pipeline does it: an object for each use. In ns for one. */
function noteMany(lastUse: LastUse, keys: readonly ApiKeyPrincipal[]): number {
  const address = '192.0.2.1'
  const agents = ['acme-sync/2.1 (+https://acme.example)', 'curl/8.5.0']
  const began = performance.now()
  for (let done = 0; done < notesPerRound; done += 1) {
    // A stride that is prime to each count: no owner is noted twice in a row.
    const who = keys[(done * 7919) % keys.length]
    const use: PresentedUse = { address, userAgent: agents[done & 1], operation: 'GET /bookings/{id}' }
    if (who) lastUse.note(who, use)
  }
  return ((performance.now() - began) * 1_000_000) / notesPerRound
}

const idOf = (index: number): KeyId => `key_${String(index).padStart(24, '0')}`

const principal = (index: number): ApiKeyPrincipal => ({
  kind: 'api_key',
  key: idOf(index),
  organization: `org_${String(index % 100).padStart(24, '0')}`,
  mode: 'live',
  scopes: new Set(['read:bookings']),
  issuedAt: 1_700_000_000,
  expiresAt: null,
  allowedAddresses: null,
})

async function makeKeys(db: Db): Promise<void> {
  await db.raw(`insert into organizations (id, name, slug)
    select 'org_' || lpad(n::text, 24, '0'), 'Bench', 'bench-' || n from generate_series(0, 99) n`)
  await db.raw(
    `insert into api_keys (id, organization_id, mode, name, scopes, prefix, last_four, hash)
     select 'key_' || lpad(n::text, 24, '0'), 'org_' || lpad((n % 100)::text, 24, '0'), 'live', 'key', '{}', 'bz_live_',
       'last', sha256(n::text::bytea) from generate_series(0, ? - 1) n`,
    [mostKeys],
  )
}

function textOf(report: Report): string {
  const { notes, bytes_per_owner, written_owners, write_ms, write_cpu_ms, ...it } = report
  return [
    `usage: ${rounds} rounds of ${notesPerRound.toLocaleString('en-US')} uses`,
    `${it.date}, Node.js ${it.node}, ${it.cores} × ${it.cpu}, load average ${it.loadAverage.toFixed(2)}`,
    '',
    ...notes.map(
      ({ owners, ns }) => `note a use, ${owners} owners: ${ns.median} ns (${ns.p20} to ${ns.p80})`,
    ),
    `an owner in memory: ${bytes_per_owner ?? '(with --expose-gc)'} bytes, beside its principal`,
    `write ${written_owners} owners: ${write_ms.median} ms (${write_ms.p20} to ${write_ms.p80}), ${write_cpu_ms.median} ms of them this process's CPU`,
  ].join('\n')
}
