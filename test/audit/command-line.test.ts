// latchkey audit: as people run it, on a machine without a running server.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTestDatabase, queryDatabase } from '../support/database.ts'
import { makeHome, runCommand, runJson } from '../support/server-process.ts'

interface Verified {
  readonly whole: boolean
  readonly rows: number
  readonly pending: number
  readonly sealed_first: number
  readonly faults: readonly { readonly kind: string; readonly event_id: number; readonly sequence: number }[]
  readonly heads: readonly { readonly organization_id: string | null; readonly head: string }[]
}

test('U15 audit verify and audit export by command line', async (t) => {
  const home = await makeHome(t)
  const env = { DATABASE_URL: await createTestDatabase(t) }
  const json = <T>(...args: string[]) => runJson<T>(home, args, env)
  const run = (...args: string[]) => runCommand(home, args, env)
  const org = await json<{ id: string }>('org', 'create', '--name', 'Acme', '--slug', 'acme')
  const key = ['key', 'create', '--org', 'acme', '--mode', 'test', '--scope', 'read:bookings']
  const made = await json<{ id: string }>(...key, '--name', '=HYPERLINK("http://x"), "Bob"')
  const [waiting] = await queryDatabase(env.DATABASE_URL, 'select count(*) as count from audit_unsealed')
  assert.deepEqual(waiting, { count: '0' }, 'a command seals what it did')

  await t.test('a whole ledger: what is in it, its heads, exit code 0', async () => {
    await queryDatabase(
      env.DATABASE_URL,
      `with event as (insert into audit_events (actor_kind, action) values ('server', 'person.created') returning id)
       insert into audit_unsealed select id from event`,
    )
    const { code, stdout, stderr } = await run('audit', 'verify')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(
      stdout,
      /^Sealed 1 pending events first\.\nThe ledger is whole: 3 rows, 2 chains, 0 pending \(\d+\.\d s, [\d,]+ rows a second\)\.\n/,
    )
    assert.match(stdout, new RegExp(`^${org.id} +2 +[0-9a-f]{64}$`, 'm'))
    assert.match(stdout, /^\(none\) +1 +[0-9a-f]{64}$/m)
    const verified = await json<Verified>('audit', 'verify', '--org', 'acme')
    assert.deepEqual([verified.whole, verified.rows, verified.sealed_first], [true, 2, 0])
    const head = verified.heads[0]?.head ?? ''
    const kept = await json<Verified>('audit', 'verify', '--org', org.id, '--expect-head', head)
    assert.equal(kept.whole, true)
  })

  await t.test('an export: a header and a row per event, the newest first', async () => {
    const csv = await run('audit', 'export', '--format', 'csv', '--org', 'acme')
    assert.deepEqual([csv.code, csv.stderr], [0, ''])
    const [head, first, second, end] = csv.stdout.split('\r\n')
    assert.equal(
      head,
      'id,time,organization_id,actor_kind,actor_id,on_behalf_of,action,target,address,request_id,details',
    )
    assert.match(
      first ?? '',
      new RegExp(`^2,\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z,${org.id},command_line,,,key.created,${made.id},,,"`),
    )
    assert.match(second ?? '', /organization\.created/)
    assert.equal(end, '')

    const file = join(home, 'ledger.ndjson')
    const toFile = ['audit', 'export', '--format', 'ndjson', '--output', file]
    assert.equal((await json<{ rows: number }>(...toFile)).rows, 3)
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    const events = lines.map((line) => JSON.parse(line))
    assert.deepEqual(
      events.map((event) => event.action),
      ['person.created', 'key.created', 'organization.created'],
    )
    assert.equal(events[1].details.name, '=HYPERLINK("http://x"), "Bob"')
    const again = await run(...toFile)
    assert.equal(again.code, 1)
    assert.match(again.stderr, /is there already\. Choose another file\.\n$/)
  })

  await t.test('--from and --to are days in UTC, the last one included', async () => {
    const rows = async (...args: string[]) =>
      (await run('audit', 'export', '--format', 'ndjson', ...args)).stdout.split('\n').length - 1
    await queryDatabase(
      env.DATABASE_URL,
      `with event as (
         insert into audit_events (at, actor_kind, action)
         values ('2020-02-29 00:00Z', 'server', 'a'), ('2020-02-29 23:59:59.999999Z', 'server', 'b'), ('2020-03-01 00:00Z', 'server', 'c')
         returning id
       ) insert into audit_unsealed select id from event`,
    )
    assert.equal(await rows('--from', '2020-02-29', '--to', '2020-02-29'), 2)
    assert.equal(await rows('--from', '2020-02-29T23:59:59.999Z', '--to', '2020-03-01'), 2)
    assert.equal(await rows('--to', '2020-02-28'), 0)
  })

  await t.test('wrong use is exit code 2', async () => {
    for (const wrong of [
      ['audit', 'export'],
      ['audit', 'export', '--format', 'xml'],
      ['audit', 'export', '--format', 'csv', '--from', '2020-02-30'],
      ['audit', 'export', '--format', 'csv', '--to', 'soon'],
      ['audit', 'verify', '--expect-head', 'x', '--org', 'acme'],
      ['audit', 'verify', '--expect-head', 'a'.repeat(64)],
    ]) {
      const { code, stderr } = await run(...wrong)
      assert.equal(code, 2, wrong.join(' '))
      assert.match(stderr, /^error: /)
    }
    assert.equal((await run('audit', 'verify', '--org', 'nobody')).code, 1)
  })

  await t.test('a falsified ledger: a sentence that names the row, exit code 1', async () => {
    await queryDatabase(env.DATABASE_URL, "update audit_events set target = 'key_other' where id = 2")
    const { code, stdout, stderr } = await run('audit', 'verify')
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(
      stderr,
      new RegExp(
        `^Organization ${org.id}, row 2, event 2: the event is not the one that was sealed: it was changed\\.$`,
        'm',
      ),
    )
    const asJson = await run('audit', 'verify', '--json')
    assert.equal(asJson.code, 1)
    const told: Verified = JSON.parse(asJson.stdout)
    assert.equal(told.whole, false)
    assert.deepEqual(
      told.faults.map(({ kind, event_id, sequence }) => ({ kind, event_id, sequence })),
      [{ kind: 'changed', event_id: 2, sequence: 2 }],
    )
  })
})
