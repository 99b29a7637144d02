// Rows of every table that is swept, with their ends at any distance from now; and which of them are to be left.
// No promises of its own.
import fc from 'fast-check'
import type pg from 'pg'
import { longestGrace } from '../../src/apps/app-details.ts'
import { daySeconds } from '../../src/lib/time.ts'
import { abandonedAfterSeconds } from '../../src/oauth/abandoned-grant-store.ts'

/** Seconds from now to the end of something; none so near to what decides that a slow machine could tell otherwise. */
const end = fc.oneof(
  fc.integer({ min: -40 * daySeconds, max: -90 }),
  fc.integer({ min: -40, max: 40 * daySeconds }),
  fc.constantFrom(-90, -40, 0, 1),
)
/** Sixty seconds are the margin between clocks. */
const isOver = (seconds: number) => seconds < -60

const grant = fc.record({
  age: fc.oneof(
    fc.integer({ min: 0, max: abandonedAfterSeconds - 60 }),
    fc.integer({ min: abandonedAfterSeconds + 120, max: 10 * daySeconds }),
  ),
  end,
  codes: fc.array(end, { maxLength: 2 }),
  refreshTokens: fc.array(fc.record({ end, isRetired: fc.boolean() }), { maxLength: 3 }),
  accessTokens: fc.array(end, { maxLength: 3 }),
})

/** Tables whose rows are known by a hash and stand for themselves, with how to insert one of them. */
const plain = {
  interactions: `insert into interactions (hash, payload, expires_at) values ($1, '{}', $2)`,
  oauth_sessions: `insert into oauth_sessions (hash, uid, payload, expires_at) values ($1, encode($1, 'hex'), '{}', $2)`,
  person_sessions: `insert into person_sessions (hash, id, person_id, expires_at) values ($1, encode($1, 'hex'), 'person', $2)`,
  sign_in_steps: `insert into sign_in_steps (hash, person_id, expires_at) values ($1, 'person', $2)`,
  one_time_links: `insert into one_time_links (hash, purpose, person_id, expires_at) values ($1, 'set_up', 'person', $2)`,
  one_time_reveals: `insert into one_time_reveals (hash, person_id, expires_at) values ($1, 'person', $2)`,
  idempotent_answers: `insert into idempotent_answers (owner_id, key_hash, request_hash, expires_at) values ('owner', $1, '', $2)`,
  dpop_proofs: `insert into dpop_proofs (hash, expires_at) values ($1, $2)`,
  rate_counts: `insert into rate_counts (name, count, expires_at) values (encode($1, 'hex'), 1, $2)`,
  registration_tokens: `insert into registration_tokens (id, name, hash, expires_at) values (encode($1, 'hex'), 'name', $1, $2)`,
} as const
type Plain = keyof typeof plain
const plainNames = Object.keys(plain) as Plain[]

export const world = fc.record({
  plain: fc.array(fc.record({ table: fc.constantFrom(...plainNames), end }), { maxLength: 40 }),
  grants: fc.array(grant, { maxLength: 10 }),
  /** Of API keys; null for one without an end. */
  keys: fc.array(fc.option(end), { maxLength: 5 }),
  /** Of one app: those of last month, then those of today. */
  refusals: fc.record({ old: fc.integer({ min: 0, max: 250 }), young: fc.integer({ min: 0, max: 250 }) }),
})
export type World = typeof world extends fc.Arbitrary<infer It> ? It : never

/** A person, an account and two apps, which all the rows belong to. */
export async function foundWorld(client: pg.Client): Promise<void> {
  await client.query(
    `with person as (insert into persons (id, email) values ('person', 'ann@acme.example')),
          organization as (insert into organizations (id, name, slug) values ('org', 'Acme', 'acme') returning id)
     insert into oauth_apps (client_id, organization_id, mode, name, redirect_uris, scopes, refresh_grace_seconds,
       refresh_lifetime_seconds)
     select client_id, id, 'test', 'App', '{}', '{}', 60, 86400 from organization, unnest(array['app_a', 'app_b']) client_id`,
  )
}

interface Row {
  readonly table: string
  readonly id: string
  readonly isAlive: boolean
}

/** Writes all of it in place of what was there; gives the rows that nobody may sweep, and that somebody must. */
export async function writeWorld(client: pg.Client, it: World): Promise<readonly Row[]> {
  const rows: Row[] = []
  const statements: [string, unknown[]][] = [...plainNames, 'grants', 'api_keys', 'app_refusals'].map(
    (table) => [`delete from ${table}`, []],
  )
  const now = Date.now()
  const at = (seconds: number) => new Date(now + seconds * 1000)
  const newHash = () => {
    const hash = Buffer.alloc(8)
    hash.writeBigUInt64BE(BigInt(statements.length))
    return hash
  }
  const note = (table: string, id: string | Buffer, isAlive: boolean) =>
    rows.push({ table, id: typeof id === 'string' ? id : id.toString('hex'), isAlive })

  for (const { table, end } of it.plain) {
    const hash = newHash()
    statements.push([plain[table], [hash, at(end)]])
    note(table, hash, !isOver(end + (table === 'one_time_reveals' ? daySeconds : 0)))
  }
  for (const [index, { age, end, codes, refreshTokens, accessTokens }] of it.grants.entries()) {
    const ends = [...codes, ...accessTokens, ...refreshTokens.map((token) => token.end)]
    const isAbandoned = age > abandonedAfterSeconds && ends.every(isOver)
    const isAlive = !isOver(end) && !isAbandoned
    const id = `grant_${String(index).padStart(3, '0')}`
    statements.push([
      `insert into grants (id, client_id, person_id, organization_id, mode, scopes, resource, created_at, expires_at)
       values ($1, 'app_a', 'person', 'org', 'test', '{}', 'r', $2, $3)`,
      [id, at(-age), at(end)],
    ])
    note('grants', id, isAlive)
    const hang = (table: string, sql: string, end: number, kept = 0) => {
      const hash = newHash()
      statements.push([sql, [hash, id, at(end)]])
      note(table, hash, isAlive && !isOver(end + kept))
    }
    for (const code of codes)
      hang(
        'authorization_codes',
        `insert into authorization_codes (hash, grant_id, payload, expires_at) values ($1, $2, '{}', $3)`,
        code,
      )
    for (const token of accessTokens)
      hang(
        'credentials',
        `insert into credentials (hash, kind, organization_id, mode, scopes, audience, client_id, person_id, grant_id, expires_at)
         values ($1, 'access_token', 'org', 'test', '{}', 'r', 'app_a', 'person', $2, $3)`,
        token,
      )
    for (const token of refreshTokens)
      hang(
        'refresh_tokens',
        `insert into refresh_tokens (hash, grant_id, scopes, expires_at, retired_at, sealed_answer)
         values ($1, $2, '{}', $3, ${token.isRetired ? "now(), 'answer'" : 'null, null'})`,
        token.end,
        longestGrace,
      )
  }
  for (const [index, end] of it.keys.entries()) {
    const hash = newHash()
    statements.push([
      `with key as (
         insert into api_keys (id, organization_id, mode, name, scopes, prefix, last_four, hash, expires_at)
         values ($1, 'org', 'test', 'key', '{}', 'p', 'last', $2, $3) returning *
       ) insert into credentials (hash, kind, organization_id, mode, scopes, key_id, expires_at)
         select hash, 'api_key', 'org', 'test', '{}', id, expires_at from key`,
      [`key_${index}`, hash, end === null ? null : at(end)],
    ])
    note('api_keys', `key_${index}`, true)
    note('credentials', hash, end === null || !isOver(end))
  }
  const { old, young } = it.refusals
  const total = old + young
  statements.push([
    `insert into app_refusals (id, client_id, at, endpoint, error, reason) overriding system value
     select n, 'app_b', $2::timestamptz - case when n <= $1 then interval '31 days' else interval '1 hour' end, 'token',
       'invalid_grant', n from generate_series(1, $3::int) n`,
    [old, at(0), total],
  ])
  for (let n = 1; n <= total; n += 1) note('app_refusals', String(n), n > old && n > total - 200)

  await client.query('begin')
  for (const [sql, values] of statements) await client.query(sql, values)
  await client.query('commit')
  return rows
}

/** What is there now. */
export async function readWorld(client: pg.Client): Promise<readonly Omit<Row, 'isAlive'>[]> {
  const tables = [...plainNames, 'authorization_codes', 'refresh_tokens', 'credentials']
  const others: Readonly<Record<string, string>> = {
    idempotent_answers: 'key_hash',
    rate_counts: "decode(name, 'hex')",
  }
  const hash = (table: string) => others[table] ?? 'hash'
  const selects = tables.map(
    (table) => `select '${table}' as "table", encode(${hash(table)}, 'hex') as id from ${table}`,
  )
  const { rows } = await client.query<Omit<Row, 'isAlive'>>(
    [
      ...selects,
      `select 'grants', id from grants`,
      `select 'api_keys', id from api_keys`,
      `select 'app_refusals', id::text from app_refusals`,
    ].join(' union all '),
  )
  return rows
}
