// How long it takes to move in with a million keys: one file, half of it hashes and half of it secrets.
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { migrate } from '../src/db/migrate.ts'
import { sha256 } from '../src/lib/digest.ts'
import { randomBase62 } from '../src/lib/random.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { runCommand } from './credentials.ts'
import { readWithin } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine } from './report.ts'
import { prepareSurroundings } from './surroundings.ts'

interface Options {
  readonly keys: number
  readonly organizations: number
  readonly json?: true
}

const help = `
The lines are those of a vendor's own keys (sk_live_…), in turn of each organization; the organizations are made on
the way. The import runs as a command does, in a process of its own: its start is part of the time.

Database: the embedded PostgreSQL in a temporary folder; with DATABASE_URL, a database of the run's own on that
server, dropped at the end. A million keys take about 1 GB.
`

export function importCommand(program: Command): void {
  program
    .command('import')
    .description('import a file of keys, half of them hashes and half of them secrets')
    .option('--keys <n>', 'lines of the file', readWithin(1, 100_000_000), 1_000_000)
    .option('--organizations <n>', 'to which they belong', readWithin(1, 1_000_000), 1000)
    .option('--json', 'print one JSON value, and nothing else, on standard output')
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const report = await withCleanup((cleanup) => run(options, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

const outcomeSchema = z.object({ imported: z.number(), already: z.number(), bad: z.number() })

async function run({ keys, organizations }: Options, cleanup: Cleanup) {
  const machine = describeMachine()
  const { env, database } = await prepareSurroundings(cleanup)
  // As a server has it: commands borrow it then.
  const opened = await openConfiguredDatabase(loadConfig(env), 'owner')
  cleanup.add(() => opened.close())
  await migrate(opened.address)
  const file = join(dirname(String(env['PROFILE'])), 'keys.ndjson')
  showProgress('writing the file')
  await pipeline(linesOf(keys, organizations), createWriteStream(file, { mode: 0o600 }))
  const { size } = await stat(file)
  const time = async (what: string) => {
    showProgress(what)
    const began = performance.now()
    const command = ['import', 'keys', file, '--create-organizations']
    const outcome = outcomeSchema.parse(await runCommand(command, env, cleanup.signal))
    return { ...outcome, seconds: (performance.now() - began) / 1000 }
  }
  const first = await time('importing')
  const again = await time('importing the same file again')
  return {
    benchmark: 'import',
    ...machine,
    database,
    keys,
    organizations,
    fileBytes: size,
    first,
    keysPerSecond: Math.round(keys / first.seconds),
    again,
  }
}

function* linesOf(keys: number, organizations: number): Generator<string> {
  let text = ''
  for (let n = 0; n < keys; n += 1) {
    const common = {
      organization: `org-${n % organizations}`,
      mode: n % 4 === 3 ? 'test' : 'live',
      scopes: ['read:bookings', 'write:bookings'],
      name: `Key ${n}`,
      created_at: new Date(Date.UTC(2020, 0, 1) + n * 60_000).toISOString(),
    }
    const hash = () => ({
      hash: sha256(randomBytes(32)).toString('hex'),
      prefix: 'sk_live_',
      length: 40,
      last_four: randomBase62(4),
    })
    const line = n % 2 === 0 ? { secret: `sk_live_${randomBase62(32)}`, ...common } : { ...hash(), ...common }
    text += `${JSON.stringify(line)}\n`
    if (text.length < 65_536) continue
    yield text
    text = ''
  }
  yield text
}

function textOf({ keys, organizations, database, first, again, ...it }: Report): string {
  const number = (value: number) => value.toLocaleString('en-US')
  return [
    `import: ${number(keys)} keys of ${number(organizations)} organizations, ${number(it.fileBytes)} bytes, ${database} PostgreSQL`,
    `${it.date}, Node.js ${it.node}, ${it.cores} × ${it.cpu}, load average ${it.loadAverage.toFixed(2)}`,
    '',
    `imported ${number(first.imported)} in ${first.seconds.toFixed(1)} s (${number(it.keysPerSecond)} a second); bad ${first.bad}`,
    `the same file again: ${number(again.already)} were there already, ${again.seconds.toFixed(1)} s`,
  ].join('\n')
}
