// A database with very many access tokens, one of a grant of its own each, of a thousand apps and people.
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { openDirect } from '../src/db/connect.ts'
import { migrate } from '../src/db/migrate.ts'

interface Wanted {
  readonly env: NodeJS.ProcessEnv
  readonly rows: number
  readonly signal: AbortSignal
  readonly tell: (progress: string) => void
}

const batch = 50_000
const owners = 1000

export async function fillTokens({ env, rows, signal, tell }: Wanted): Promise<void> {
  const opened = await openConfiguredDatabase(loadConfig(env), 'borrower')
  try {
    await migrate(opened.address)
    const owner = openDirect(opened.address)
    try {
      await owner.raw(insertOwners, { last: owners - 1 })
      for (let from = 0; from < rows; from += batch) {
        signal.throwIfAborted()
        tell(`${from} of ${rows} tokens`)
        await owner.raw(insertTokens, { from, to: Math.min(from + batch, rows) - 1, owners })
      }
      await owner.raw('vacuum analyze credentials')
    } finally {
      await owner.destroy()
    }
  } finally {
    await opened.close()
  }
}

const id = (kind: string, number: string) => `'${kind}_' || lpad((${number})::text, 24, '0')`

const insertOwners = `
  with person as (
    insert into persons (id, email)
    select ${id('person', 'n')}, 'bench-' || n || '@example.com' from generate_series(0, :last::int) n
  ), organization as (
    insert into organizations (id, name, slug)
    select ${id('org', 'n')}, 'Org ' || n, 'org-' || n from generate_series(0, :last::int) n
  )
  insert into oauth_apps (client_id, organization_id, mode, name, redirect_uris, scopes, refresh_grace_seconds,
    refresh_lifetime_seconds)
  select ${id('app', 'n')}, ${id('org', 'n')}, 'live', 'Bench', '{http://127.0.0.1/callback}', '{read:bookings}', 60,
    2592000
  from generate_series(0, :last::int) n`

const of = 'n % :owners::int'
const resource = 'https://bench.example/api/v1'
const columns = 'client_id, person_id, organization_id, mode, scopes'
const values = `${id('app', of)}, ${id('person', of)}, ${id('org', of)}, 'live', array['read:bookings']`

const insertTokens = `
  with made as (
    insert into grants (id, ${columns}, resource, expires_at)
    select ${id('grant', 'n')}, ${values}, '${resource}', now() + interval '30 days'
    from generate_series(:from::int, :to::int) n
    returning *
  )
  insert into credentials (hash, kind, ${columns}, audience, grant_id, expires_at)
  select sha256(id::bytea), 'access_token', ${columns}, resource, id, now() + interval '1 hour' from made`
