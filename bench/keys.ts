// What a key costs among few and among many: making, finding, listing, using and revoking one with a thousand
// keys in the table and with a million, and the list of an organization with ten keys and with ten thousand.
import { type Command, InvalidArgumentError } from 'commander'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { type Db, openDirect } from '../src/db/connect.ts'
import { migrate } from '../src/db/migrate.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { keySchema, runCommand } from './credentials.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine } from './report.ts'
import { RunFailed } from './run-failed.ts'
import { startServer } from './server-process.ts'
import { percentile, spreadOf } from './statistics.ts'
import { prepareSurroundings } from './surroundings.ts'

interface Options {
  readonly few: number
  readonly many: number
  readonly rounds: number
  readonly json?: true
}

const batch = 50_000
const operations = ['create', 'find', 'list', 'list-small', 'use', 'revoke'] as const
type Operation = (typeof operations)[number]

/** One server on a database of its own with so many keys. */
interface Side {
  readonly name: 'few' | 'many'
  /** By a key of the large organization, or of one with ten keys. */
  readonly ask: (
    method: string,
    path: string,
    body?: object,
    by?: 'large' | 'small',
  ) => Promise<Record<string, unknown>>
  /** ms of each operation, round by round. */
  readonly taken: Record<Operation, number[]>
}

export function keysCommand(program: Command): void {
  program
    .command('keys')
    .description('compare what a key costs among few keys and among many')
    .option('--few <n>', 'keys in the small table', readCount, 1000)
    .option('--many <n>', 'keys in the large table', readCount, 1_000_000)
    .option('--rounds <n>', 'rounds: each operation once at each side', readCount, 300)
    .option('--json', 'print one JSON value, and nothing else, on standard output')
    .addHelpText(
      'after',
      '\nEach key belongs to an organization of ten, but for one organization of ten thousand (of all, among few).\n',
    )
    .action(async (options: Options) => {
      const report = await withCleanup((cleanup) => run(options, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

async function run({ few, many, rounds }: Options, cleanup: Cleanup) {
  const machine = describeMachine()
  const sides = [await startSide('few', few, cleanup), await startSide('many', many, cleanup)]
  for (let round = -20; round < rounds; round += 1) {
    cleanup.signal.throwIfAborted()
    if (round % 20 === 0) showProgress(`round ${round} of ${rounds}`)
    for (const side of sides) await oneRound(side, round >= 0)
  }
  const [small, large] = sides
  if (!small || !large) throw new Error('two sides')
  const ratioOf = (operation: Operation) =>
    spreadOf(large.taken[operation].map((ms, round) => ms / (small.taken[operation][round] ?? ms)))
  const figures = operations.map((operation) => ({
    operation,
    few_ms: spreadOf(small.taken[operation]),
    many_ms: spreadOf(large.taken[operation]),
    few_p99_ms: percentile(small.taken[operation], 99),
    many_p99_ms: percentile(large.taken[operation], 99),
    ratio: ratioOf(operation),
  }))
  return { benchmark: 'keys', ...machine, few, many, rounds, figures }
}

async function startSide(name: Side['name'], keys: number, cleanup: Cleanup): Promise<Side> {
  const { env } = await prepareSurroundings(cleanup)
  await fill(env, keys, (done) => showProgress(`${name}: ${done} of ${keys} keys`))
  const server = await startServer('latchkey', { env, readyPath: '/readyz' }, cleanup)
  const commandEnv = { ...env, PORT: String(server.port) }
  const scopes = ['keys:read', 'keys:write', 'read:bookings'].flatMap((scope) => ['--scope', scope])
  const keyOf = async (org: string) => {
    const create = ['key', 'create', '--org', org, '--mode', 'live', ...scopes]
    return keySchema.parse(await runCommand(create, commandEnv, cleanup.signal)).secret
  }
  const secrets = { large: await keyOf('bench-large'), small: await keyOf('bench-small') }
  return {
    name,
    taken: { create: [], find: [], list: [], 'list-small': [], use: [], revoke: [] },
    ask: async (method, path, body, by = 'large') => {
      const headers = { Authorization: `Bearer ${secrets[by]}`, 'Content-Type': 'application/json' }
      const url = `http://127.0.0.1:${server.port}/api/v1${path}`
      const response = await fetch(url, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
      const answer = (await response.json()) as Record<string, unknown>
      if (!response.ok) throw new RunFailed(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`)
      return answer
    },
  }
}

/** Organizations of ten keys each, and one of ten thousand, set by set. */
async function fill(env: NodeJS.ProcessEnv, keys: number, tell: (done: number) => void): Promise<void> {
  const opened = await openConfiguredDatabase(loadConfig(env), 'borrower')
  try {
    await migrate(opened.address)
    const { knex } = opened.database
    const big = Math.min(10_000, keys)
    await knex.raw(
      `insert into organizations (id, name, slug)
       values ('org_big', 'Large', 'bench-large'), ('org_small', 'Small', 'bench-small')`,
    )
    await knex.raw(insertKeysSql(`'org_small'`), [keys, keys + 8])
    const others = Math.ceil((keys - big) / 10)
    for (let from = 0; from < others; from += batch) {
      await knex.raw(
        `insert into organizations (id, name, slug) select 'org_' || n, 'Org ' || n, 'org-' || n
         from generate_series(?::int, ?::int) n`,
        [from, Math.min(from + batch, others) - 1],
      )
    }
    for (let from = 0; from < keys; from += batch) {
      await insertKeys(knex, from, Math.min(from + batch, keys) - 1, big)
      tell(Math.min(from + batch, keys))
    }
    // As the database does by itself within a minute: without it the planner takes every organization to be small.
    const owner = openDirect(opened.address)
    await owner.raw('analyze').finally(() => owner.destroy())
  } finally {
    await opened.close()
  }
}

async function insertKeys(db: Db, from: number, to: number, big: number): Promise<void> {
  const organization = `case when n < ${big} then 'org_big' else 'org_' || (n - ${big}) / 10 end`
  await db.raw(insertKeysSql(organization), [from, to])
}

/** Keys numbered from the one parameter to the other, with their credentials. */
function insertKeysSql(organization: string): string {
  return `with made as (
       insert into api_keys (id, organization_id, mode, name, scopes, prefix, last_four, hash, created_at)
       select 'key_' || lpad(n::text, 24, '0'), ${organization},
         case n % 2 when 0 then 'live' else 'test' end, 'Key ' || n, '{read:bookings}', 'bz_live_',
         lpad((n % 10000)::text, 4, '0'), sha256(n::text::bytea),
         date_trunc('milliseconds', now() - n * interval '10 seconds')
       from generate_series(?::int, ?::int) n returning *
     )
     insert into credentials (hash, kind, organization_id, mode, scopes, key_id)
     select hash, 'api_key', organization_id, mode, scopes, id from made`
}

async function oneRound({ ask, taken }: Side, isMeasured: boolean): Promise<void> {
  const time = async <T>(operation: Operation, work: () => Promise<T>): Promise<T> => {
    const started = performance.now()
    const result = await work()
    if (isMeasured) taken[operation].push(performance.now() - started)
    return result
  }
  const { id } = await time('create', () =>
    ask('POST', '/keys', { name: 'Bench', scopes: ['read:bookings'] }),
  )
  await time('find', () => ask('GET', `/keys/${id}`))
  await time('list', () => ask('GET', '/keys?limit=20'))
  await time('list-small', () => ask('GET', '/keys?limit=20', undefined, 'small'))
  await time('use', () => ask('GET', '/me'))
  await time('revoke', () => ask('POST', `/keys/${id}/revoke`))
}

function textOf({ few, many, rounds, figures }: Report): string {
  const head = `keys: ${rounds} rounds; ms at the median, with ${few} keys in the table and with ${many}\n`
  const rows = figures.map(({ operation, few_ms, many_ms, ratio }) => {
    const numbers = [few_ms.median, many_ms.median, ratio.median].map((it) => String(it).padStart(9))
    return `  ${operation.padEnd(8)}${numbers.join('')}   (${ratio.p20} to ${ratio.p80})`
  })
  return [head, `  ${''.padEnd(8)}      few     many    ratio   (p20 to p80)`, ...rows].join('\n')
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,7}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 1 to 99999999.')
}
