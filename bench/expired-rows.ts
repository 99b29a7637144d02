// A database in which very much has expired, and some apps whose tokens are good.
import { randomBytes } from 'node:crypto'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { appScopes, loadProfile } from '../src/core/profile.ts'
import { createFormat } from '../src/credentials/format.ts'
import { type Db, openDirect } from '../src/db/connect.ts'
import { migrate } from '../src/db/migrate.ts'
import { sha256 } from '../src/lib/digest.ts'
import type { Family } from './refresh-load.ts'

/** As they come about: each refresh leaves a retired token and an access token; few codes are left of a grant. */
const shares = { refresh_tokens: 0.5, credentials: 0.4, authorization_codes: 0.1 } as const
const batch = 20_000
const grants = 1000
const clientId = `app_${'b'.repeat(24)}`
const resource = 'https://bench.example/api/v1'

interface Wanted {
  readonly env: NodeJS.ProcessEnv
  readonly rows: number
  readonly families: number
  readonly signal: AbortSignal
  readonly tell: (done: number) => void
}

/** Fills the database; gives the apps' families. */
export async function fillExpired({ env, rows, families, signal, tell }: Wanted): Promise<Family[]> {
  const config = loadConfig(env)
  const profile = loadProfile(config.profile, '')
  const opened = await openConfiguredDatabase(config, 'borrower')
  try {
    await migrate(opened.address)
    const { knex } = opened.database
    await knex.raw(
      `with person as (insert into persons (id, email) values ('person_bench', 'bench@example.com')),
            organization as (insert into organizations (id, name, slug) values ('org_bench', 'Bench', 'bench') returning id)
       insert into oauth_apps (client_id, organization_id, mode, name, redirect_uris, scopes, refresh_grace_seconds,
         refresh_lifetime_seconds)
       select ?, id, 'live', 'Bench', '{http://127.0.0.1/callback}', ?, 60, 2592000 from organization`,
      [clientId, appScopes(profile)],
    )
    const scopes = appScopes(profile)
    await insertGrants(knex, 'dead', grants, scopes)
    await insertGrants(knex, 'live', families, scopes)
    let done = 0
    for (const [table, share] of Object.entries(shares)) {
      for (let left = Math.round(rows * share); left > 0; left -= batch) {
        signal.throwIfAborted()
        const count = Math.min(left, batch)
        await knex.raw(insertDead[table as keyof typeof shares], { from: done, to: done + count - 1, grants })
        done += count
        tell(done)
      }
    }
    const format = createFormat(profile.credentials.prefixes)
    const made: Family[] = []
    for (let index = 0; index < families; index += 1) {
      const refreshToken = format.write('refresh_token', 'live').reveal()
      await knex('refresh_tokens').insert({
        hash: sha256(refreshToken),
        grant_id: `grant_live_${index}`,
        scopes: appScopes(profile),
        expires_at: new Date(Date.now() + 86_400_000),
      })
      made.push({ clientId, refreshToken })
    }
    // As the database does by itself within a minute.
    const owner = openDirect(opened.address)
    await owner.raw('analyze').finally(() => owner.destroy())
    return made
  } finally {
    await opened.close()
  }
}

async function insertGrants(db: Db, kind: string, count: number, scopes: string[]): Promise<void> {
  await db.raw(
    `insert into grants (id, client_id, person_id, organization_id, mode, scopes, resource, expires_at)
     select 'grant_' || ? || '_' || n, ?, 'person_bench', 'org_bench', 'live', ?, ?, now() + interval '30 days'
     from generate_series(0, ?::int - 1) n`,
    [kind, clientId, scopes, resource, count],
  )
}

const some = randomBytes(8).toString('hex')
const hash = `sha256(('${some}' || n)::bytea)`
/** Over at different times, in no order of their places in the table. */
const end = `now() - interval '1 hour' - (n::bigint * 7919 % 10000000) * interval '100 milliseconds'`
const source = `'grant_dead_' || n % :grants`
const numbers = 'generate_series(:from::int, :to::int) n'

const insertDead: Readonly<Record<keyof typeof shares, string>> = {
  refresh_tokens: `insert into refresh_tokens (hash, grant_id, scopes, expires_at, retired_at, sealed_answer)
    select ${hash}, ${source}, '{read:bookings}', ${end}, ${end}, decode(repeat(md5(n::text), 10), 'hex') from ${numbers}`,
  credentials: `insert into credentials
      (hash, kind, organization_id, mode, scopes, audience, client_id, person_id, grant_id, expires_at)
    select ${hash}, 'access_token', 'org_bench', 'live', '{read:bookings}', '${resource}', '${clientId}', 'person_bench',
      ${source}, ${end} from ${numbers}`,
  authorization_codes: `insert into authorization_codes (hash, grant_id, payload, expires_at)
    select ${hash}, ${source}, jsonb_build_object('kind', 'AuthorizationCode', 'n', n), ${end} from ${numbers}`,
}
