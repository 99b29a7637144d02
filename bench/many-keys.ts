// A database with very many API keys, as an import writes them, and the secrets of some of them, which lie all over
// the table.
import { randomBytes } from 'node:crypto'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { loadProfile } from '../src/core/profile.ts'
import { createFormat } from '../src/credentials/format.ts'
import { type Db, openDirect } from '../src/db/connect.ts'
import { migrate } from '../src/db/migrate.ts'
import { sha256 } from '../src/lib/digest.ts'

interface Wanted {
  readonly env: NodeJS.ProcessEnv
  readonly rows: number
  /** How many secrets to give; at most `rows`. */
  readonly asked: number
  readonly signal: AbortSignal
  readonly tell: (progress: string) => void
}

const batch = 50_000

/** Fills a database; gives the secrets of the keys to ask with, in no order. */
export async function fillKeys({ env, rows, asked, signal, tell }: Wanted): Promise<string[]> {
  const config = loadConfig(env)
  const format = createFormat(loadProfile(config.profile, '').credentials.prefixes)
  const opened = await openConfiguredDatabase(config, 'borrower')
  try {
    await migrate(opened.address)
    const owner = openDirect(opened.address)
    // An index of ten million rows takes minutes, which nobody waits for who has pressed Ctrl-C.
    const giveUp = () => void owner.raw(endOthers).catch(() => {})
    signal.addEventListener('abort', giveUp)
    try {
      await owner.raw(
        `insert into organizations (id, name, slug)
         select 'org_' || lpad(n::text, 24, '0'), 'Org ' || n, 'org-' || n from generate_series(0, ?::int) n`,
        [Math.floor(rows / 10)],
      )
      const restore = await dropIndexes(owner)
      const secrets: string[] = []
      const batches = Math.ceil(rows / batch)
      for (let at = 0; at < batches; at += 1) {
        signal.throwIfAborted()
        tell(`${at * batch} of ${rows} keys`)
        const [from, to] = [at * batch, Math.min((at + 1) * batch, rows)]
        const count = Math.round((asked * (at + 1)) / batches) - secrets.length
        const made = Array.from({ length: count }, () => format.write('api_key', 'live').reveal())
        await insertBatch(owner, from, to, made, format.prefix('api_key', 'live'))
        secrets.push(...made)
      }
      tell(`the indexes of ${rows} keys`)
      await restore()
      // As the database does by itself within a minute; and what was written is on disk before anything is measured.
      await owner.raw('vacuum analyze api_keys')
      await owner.raw('vacuum analyze credentials')
      await owner.raw('checkpoint').catch(() => {}) // not everybody may
      return shuffle(secrets)
    } finally {
      signal.removeEventListener('abort', giveUp)
      await owner.destroy()
    }
  } finally {
    await opened.close()
  }
}

/** Ten million rows take an hour with the indexes of hashes, and minutes without. Gives how to make them again. */
async function dropIndexes(owner: Db): Promise<() => Promise<void>> {
  const { rows } = await owner.raw<{ rows: { name: string; made: string }[] }>(
    `select indexname as name, indexdef as made from pg_indexes
     where schemaname = 'public' and tablename in ('api_keys', 'credentials') and indexname not like '%!_pkey' escape '!'`,
  )
  for (const { name } of rows) await owner.raw('drop index ??', [name])
  await owner.raw('alter table credentials drop constraint credentials_pkey')
  return async () => {
    await owner.transaction(async (tx) => {
      await tx.raw(`set local maintenance_work_mem = '512MB'`)
      await tx.raw('alter table credentials add constraint credentials_pkey primary key (hash)')
      for (const { made } of rows) await tx.raw(made)
    })
  }
}

async function insertBatch(owner: Db, from: number, to: number, made: string[], prefix: string) {
  await owner.raw(insertKeys, {
    ...{ from, to: to - 1, prefix, some: randomBytes(8).toString('hex'), hashes: made.map(sha256) },
    every: Math.max(1, Math.floor((to - from) / Math.max(1, made.length))),
  })
}

const endOthers = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()`

/** Numbered keys; every so many of them has a hash that was given, the others have hashes of nobody's secrets. */
const insertKeys = `
  with numbered as (
    select n, (n - :from::int) / :every::int + 1 as place, (n - :from::int) % :every::int as rest
    from generate_series(:from::int, :to::int) n
  ), made as (
    insert into api_keys (id, organization_id, mode, name, scopes, prefix, last_four, hash)
    select 'key_' || lpad(n::text, 24, '0'), 'org_' || lpad((n / 10)::text, 24, '0'), 'live', 'Key ' || n, '{read:bookings}', :prefix,
      lpad((n % 10000)::text, 4, '0'),
      coalesce(case when rest = 0 then (:hashes::bytea[])[place] end, sha256((:some || n)::bytea))
    from numbered
    returning *
  )
  insert into credentials (hash, kind, organization_id, mode, scopes, key_id)
  select hash, 'api_key', organization_id, mode, scopes, id from made`

function shuffle<T>(items: T[]): T[] {
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1))
    const [one, two] = [items[at], items[other]]
    if (one !== undefined && two !== undefined) [items[at], items[other]] = [two, one]
  }
  return items
}
