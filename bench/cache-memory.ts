// What a credential costs in memory, as long as it is kept there.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Command } from 'commander'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { createCredentialCache } from '../src/credentials/credential-cache.ts'
import { findPrincipals } from '../src/credentials/credential-store.ts'
import type { Database, Db } from '../src/db/connect.ts'
import { type Digest, textOf } from '../src/lib/digest.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { startDatabaseServer } from './database-server.ts'
import { fillKeys } from './many-keys.ts'
import { fillTokens } from './many-tokens.ts'
import { readWithin } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine } from './report.ts'
import { prepareSurroundings } from './surroundings.ts'

interface Options {
  readonly entries: number
  readonly json?: true
}

const help = `
Fills a table, asks the server's own cache for each credential in it, as requests would, and compares what Node.js
holds after a garbage collection with what it held before the cache was made. Once for API keys, once for access
tokens. One scope each, and no allowed networks: those that many keys share are kept once, those of one key add to it.
`

export function cacheMemoryCommand(program: Command): void {
  program
    .command('cache-memory')
    .description('measure bytes per entry of the credential cache')
    .option('--entries <n>', 'credentials in the cache', readWithin(1000, 10_000_000), 1_000_000)
    .option('--json', 'print one JSON value, and nothing else, on standard output')
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const report = await withCleanup((cleanup) => run(options.entries, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : wordsOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

async function run(entries: number, cleanup: Cleanup) {
  const machine = describeMachine()
  const { kind, url } = await startDatabaseServer(cleanup)
  const filling = { rows: entries, signal: cleanup.signal, tell: showProgress }
  const measure = async (fill: (env: NodeJS.ProcessEnv) => Promise<unknown>) => {
    const { env } = await prepareSurroundings(cleanup, url)
    await fill(env)
    const opened = await openConfiguredDatabase(loadConfig(env), 'borrower')
    try {
      return await fillCache(opened.database, entries, cleanup.signal)
    } finally {
      await opened.close()
    }
  }
  return {
    benchmark: 'cache-memory',
    ...machine,
    database: kind,
    entries,
    keys: await measure((env) => fillKeys({ ...filling, env, asked: 0 })),
    tokens: await measure((env) => fillTokens({ ...filling, env })),
  }
}

async function fillCache(database: Database, entries: number, signal: AbortSignal) {
  const before = held()
  const cache = createCredentialCache({
    load: (hashes) => findPrincipals(database, hashes),
    // Nothing is revoked meanwhile.
    changes: { isFresh: () => true, onChange: () => () => {} },
    entries,
  })
  const began = performance.now()
  for await (const hashes of pages(database.knex)) {
    signal.throwIfAborted()
    await Promise.all(hashes.map((hash) => cache.find(textOf(hash))))
    showProgress(`${cache.size()} of ${entries} in the cache`)
  }
  const seconds = (performance.now() - began) / 1000
  const after = held()
  const size = cache.size()
  return {
    entries: size,
    bytes: after.used - before.used,
    bytesPerEntry: Math.round((after.used - before.used) / size),
    residentBytes: after.resident - before.resident,
    filledInSeconds: Number(seconds.toFixed(1)),
  }
}

/** All hashes, a thousand at a time. */
async function* pages(db: Db): AsyncGenerator<Digest[]> {
  let last: Digest | null = null
  for (;;) {
    const query = db<{ hash: Digest }>('credentials').select('hash').orderBy('hash').limit(1000)
    const rows: { hash: Digest }[] = await (last === null ? query : query.where('hash', '>', last))
    if (rows.length === 0) return
    last = rows.at(-1)?.hash ?? null
    yield rows.map((row) => row.hash)
  }
}

/** After a full garbage collection. */
function held(): { used: number; resident: number } {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  for (let times = 0; times < 3; times += 1) collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { used: heapUsed + external, resident: rss }
}

function wordsOf({ entries, database, keys, tokens, ...it }: Report): string {
  const number = (value: number) => value.toLocaleString('en-US')
  const line = (kind: string, { bytesPerEntry, bytes, residentBytes, filledInSeconds }: Report['keys']) =>
    `${kind.padEnd(14)} ${number(bytesPerEntry).padStart(6)} bytes each, ${number(bytes)} in all ` +
    `(resident memory grew by ${number(residentBytes)}); filled in ${filledInSeconds} s`
  return [
    `cache-memory: ${number(entries)} credentials, ${database} PostgreSQL`,
    `${it.date}, Node.js ${it.node}, ${it.cores} × ${it.cpu}, load average ${it.loadAverage.toFixed(2)}`,
    '',
    line('API keys', keys),
    line('access tokens', tokens),
  ].join('\n')
}
