// Ten thousand grants are listed as ten are: by an index, a page at a time, whatever is asked.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listEndedAccess } from '../../src/audit/ended-access-store.ts'
import { newGrantId } from '../../src/core/ids.ts'
import { asTenant } from '../../src/db/tenant.ts'
import { type ConnectedAppQuery, listConnectedApps } from '../../src/oauth/connected-app-store.ts'
import { startHouse } from '../support/house.ts'

test('no list of connected apps, and no list of what has ended, reads a whole table', async (t) => {
  const house = await startHouse(t)
  const db = house.database.knex
  const large = await house.organization('Large')
  const other = await house.organization('Other')
  const ann = await house.person('ann@large.example', large)
  const app = await house.app(other)
  // 2,000 people, who gave five grants each to 10 apps; ann gave 300 besides. And so many people more that reading
  // all of them for a page is no plan of any PostgreSQL.
  await house.asOwner(`
    insert into persons (id, email) select 'person_' || lpad(n::text, 24, '0'), 'p' || n || '@large.example'
      from generate_series(1, 20000) n;
    insert into oauth_apps (client_id, organization_id, mode, name, redirect_uris, scopes, refresh_grace_seconds,
        refresh_lifetime_seconds)
      select 'app_' || lpad(n::text, 24, '0'), '${other.id}', 'test', 'App ' || n, '{https://app.example/cb}',
        '{read:bookings}', 60, 86400
      from generate_series(0, 9) n;
    insert into grants (id, client_id, person_id, organization_id, mode, scopes, resource, created_at, expires_at)
      select 'grant_' || lpad(n::text, 24, '0'), 'app_' || lpad((n / 5 % 10)::text, 24, '0'),
        'person_' || lpad((1 + n / 5 % 2000)::text, 24, '0'),
        case when n <= 10000 then '${large.id}' else '${other.id}' end, 'test', '{read:bookings}', 'r',
        date_trunc('milliseconds', now() - n * interval '1 minute'), now() + interval '90 days'
      from generate_series(1, 14000) n;
    insert into grants (id, client_id, person_id, organization_id, mode, scopes, resource, created_at, expires_at)
      select 'grant_a' || lpad(n::text, 23, '0'), 'app_' || lpad((n % 10)::text, 24, '0'), '${ann}',
        '${large.id}', 'test', '{read:bookings}', 'r', date_trunc('milliseconds', now() - n * interval '1 hour'),
        now() + interval '90 days'
      from generate_series(1, 300) n;
    insert into grant_uses (grant_id, used_at) select id, now() from grants;
    insert into audit_events (at, organization_id, actor_kind, action, target, details)
      select now() - n * interval '1 second', '${large.id}', 'server',
        (array['token.refreshed', 'grant.revoked', 'refresh_token.reused'])[1 + n % 3], 'grant_' || n,
        jsonb_build_object('person', case n % 100 when 0 then '${ann}' else 'person_x' end, 'cause', 'reuse',
          'response', case when n % 2 = 0 then 'refused' else 'revoked' end)
      from generate_series(1, 9000) n;
  `)
  await house.asOwner('analyze')

  /** The plans of what is asked of these tables, as the server's own role, or as the tenant's, has them. */
  const planOf = async (work: () => Promise<unknown>): Promise<string> => {
    const asked: { sql: string; bindings: unknown[] }[] = []
    const listen = (query: { sql: string; bindings: unknown[] }) => asked.push(query)
    db.on('query', listen)
    await work()
    db.removeListener('query', listen)
    const queries = asked.filter(({ sql }) => /from grants newer|->>'response'/.test(sql))
    assert.equal(queries.length, 1, 'one query, however many rows')
    const wall = asked.find(({ sql }) => sql.includes('set_config'))
    return await db.transaction(async (tx) => {
      if (wall)
        await tx.raw(
          `select set_config('latchkey.organization', ?, true), set_config('latchkey.mode', 'live,test', true), set_config('role', 'latchkey_tenant', true)`,
          [large.id],
        )
      const [query] = queries
      const { rows } = await tx.raw(
        `explain (analyze) ${query?.sql.replace(/\$\d+/g, '?')}`,
        (query?.bindings ?? []) as string[],
      )
      return rows.map((line: { 'QUERY PLAN': string }) => line['QUERY PLAN']).join('\n')
    })
  }
  /** The most rows that any one step of the plan gave, in all of its turns. */
  const mostRows = (plan: string) =>
    Math.max(
      ...[...plan.matchAll(/actual time=\S+ rows=([\d.]+) loops=(\d+)/g)].map(
        ([, rows, loops]) => Number(rows) * Number(loops),
      ),
    )
  const assertCheap = (name: string, plan: string, most: number) => {
    assert.doesNotMatch(plan, /Seq Scan on (grants|grant_uses|persons|audit_events)/, `${name}\n${plan}`)
    assert.ok(mostRows(plan) <= most, `${name} looks at ${mostRows(plan)} rows\n${plan}`)
  }

  const page = { limit: 26, installs: { limit: 10 }, now: house.now() }
  const middle = { createdAt: new Date(Date.now() - 5000 * 60_000), id: newGrantId() }
  const reach = { organization: large.id, mode: 'any' } as const
  const ofAccount = (after: ConnectedAppQuery['after'], limit = page.limit) =>
    asTenant(db, reach, (tx) =>
      listConnectedApps(tx, { ...page, which: { organization: large.id }, after, limit }),
    )
  assertCheap('the first page of an account', await planOf(() => ofAccount(null)), 700)
  assertCheap('a page of it in the middle', await planOf(() => ofAccount(middle)), 700)
  const mine = () => listConnectedApps(db, { ...page, which: { person: ann }, after: null })
  assertCheap("a person's page", await planOf(mine), 1500)

  const ended = { since: new Date(Date.now() - 30 * 86_400_000), after: null, limit: 21 }
  assertCheap(
    'what has ended in an account',
    await planOf(() =>
      asTenant(db, reach, (tx) => listEndedAccess(tx, { ...ended, of: { organization: large.id } })),
    ),
    60,
  )
  assertCheap(
    'what has ended of a person',
    await planOf(() => listEndedAccess(db, { ...ended, of: { person: ann, organizations: [large.id] } })),
    60,
  )

  // Page by page everything is there, once.
  const seen: string[] = []
  for (let after: ConnectedAppQuery['after'] = null; ; ) {
    const found = await ofAccount(after, 400)
    if (found.length === 0) break
    seen.push(...found.map(({ client, person }) => `${client} ${person}`))
    const last = found.at(-1)
    after = last ? { createdAt: last.createdAt, id: last.grant } : null
  }
  assert.equal(new Set(seen).size, seen.length, 'none twice')
  const [truth] = await house.asOwner<{ count: number }>(
    `select count(distinct (client_id, person_id))::int as count from grants where organization_id = $1`,
    [large.id],
  )
  assert.equal(seen.length, truth?.count)
  assert.equal(app.organization, other.id)
})
