// Keys that were made elsewhere: they work as they are, once, and nothing that is wrong with a file stops the rest.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { byCommandLine } from '../../src/core/attribution.ts'
import type { OrganizationId } from '../../src/core/ids.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { insertShapes } from '../../src/credentials/imported-shape-store.ts'
import type { BadLineReport } from '../../src/keys/import-batch.ts'
import { importKeys } from '../../src/keys/import-keys.ts'
import { type ImportFormat, readSource } from '../../src/keys/import-source.ts'
import { type Digest, sha256 } from '../../src/lib/digest.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { randomBase62 } from '../../src/lib/random.ts'
import { lockOrganizations } from '../../src/organizations/organization-store.ts'
import { assertNotIn, dumpDatabase } from '../support/dump.ts'
import { type House, startHouse } from '../support/house.ts'
import { assertInactive, claimsOf, introspect, resourceServer } from '../support/introspection.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { createPartner } from '../support/platform.ts'
import { makeHome, runCommand, runJson } from '../support/server-process.ts'

const scopes = ['read:bookings', 'keys:read', 'keys:write']
const newSecret = (prefix = 'sk_live_', length = 24) => prefix + randomBase62(length)
const ndjson = (...lines: object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')

interface Some {
  readonly format?: ImportFormat
  readonly organization?: OrganizationId
  readonly creates?: boolean
  readonly isDryRun?: boolean
  readonly file?: Digest
}

async function importText(house: House, text: string, some: Some = {}) {
  const { profile, database } = house
  const bad: BadLineReport[] = []
  const format = createFormat(profile.credentials.prefixes)
  const parts = { db: database.knex, profile, format, now: house.now(), by: byCommandLine }
  async function* pieces() {
    yield text
  }
  const outcome = await importKeys(parts, {
    lines: readSource(pieces(), some.format ?? 'ndjson'),
    file: some.file ?? null,
    organization: some.organization ?? null,
    createsOrganizations: some.creates ?? false,
    isDryRun: some.isDryRun ?? false,
    onBadLine: (it) => bad.push(it),
  })
  const { lines, imported, already } = outcome
  assert.equal(outcome.bad, bad.length)
  // A server that is running asks again within two seconds.
  await house.settle()
  return { counts: [lines, imported, already, bad.length], bad, outcome }
}

const status = async (house: House, secret: string) => (await house.api('/me', secret)).status
const keysOf = (house: House, where = 'true') =>
  house.asOwner<Record<string, unknown>>(`select * from api_keys where ${where} order by created_at, id`)

/** Of everything that an import writes. */
const countRows = (house: House) =>
  house.asOwner(
    `select (select count(*) from api_keys) as keys, (select count(*) from credentials) as credentials,
       (select count(*) from organizations) as organizations, (select count(*) from audit_events) as events,
       (select count(*) from imported_key_shapes) as shapes, (select count(*) from key_imports) as imports`,
  )

test('keys that were made elsewhere', async (t) => {
  const house = await startHouse(t)
  const acme = await house.organization('Acme')
  const globex = await house.organization('Globex')
  const organization = acme.id

  await t.test(
    'a secret and a hash work at the API, as introspection says, and nothing else does',
    async () => {
      const [plain, hashed] = [newSecret(), newSecret('gbx_', 30)]
      assert.equal(await status(house, plain), 401, 'the shapes have been looked at')
      const base64 = sha256(hashed).toString('base64')
      const more = { prefix: 'gbx_', length: 34, last_four: hashed.slice(-4) }
      const { counts, bad } = await importText(
        house,
        ndjson(
          {
            secret: plain,
            organization: 'acme',
            scopes,
            name: 'Website',
            created_at: '2021-03-04T09:30:00Z',
          },
          { hash: base64, organization: globex.id, mode: 'test', scopes: 'read:bookings', ...more },
        ),
      )
      assert.deepEqual([counts, bad], [[2, 2, 0, 0], []])
      const me = await house.api('/me', plain)
      assert.equal(me.status, 200)
      const server = await resourceServer(house)
      const claims = await claimsOf(await introspect(house, server, { token: hashed }))
      assert.deepEqual([claims['active'], claims['org_id'], claims['mode']], [true, globex.id, 'test'])
      assert.equal(claims['scope'], 'read:bookings')
      for (const other of [newSecret(), `${plain.slice(0, -1)}~`, newSecret('gbx_', 29), plain.slice(1)]) {
        assert.equal(await status(house, other), 401)
        await assertInactive(await introspect(house, server, { token: other }), other)
      }
      const [key] = await keysOf(house, `organization_id = '${organization}'`)
      assert.deepEqual(
        [key?.['prefix'], key?.['last_four'], key?.['name'], key?.['created_by']],
        ['sk_live_', plain.slice(-4), 'Website', 'import'],
      )
      const dump = await dumpDatabase(house.databaseUrl)
      for (const secret of [plain, hashed, plain.slice(8, -4)]) assertNotIn(dump, secret)
      const shapes = await house.asOwner('select prefix, length from imported_key_shapes order by length')
      assert.deepEqual(shapes, [
        { prefix: 'sk_live_', length: 32 },
        { prefix: 'gbx_', length: 34 },
      ])
    },
  )

  await t.test('it is listed and told of, and has the life of any key', async () => {
    const secret = newSecret()
    const line = { secret, scopes, name: 'Old one', created_at: '2012-01-01', expires_at: '2029-01-01' }
    await importText(house, ndjson(line), { organization })
    const [row] = await keysOf(house, `name = 'Old one'`)
    const id = String(row?.['id'])
    await house.person('ann@acme.example', acme)
    const browser = new PersonBrowser(house.url)
    await browser.signIn(await browser.open('/sign-in'), 'ann@acme.example')
    const list = await browser.open('/admin/settings/api-keys')
    assert.ok(list.html.includes('Old one') && list.html.includes(`sk_live_…${secret.slice(-4)}`))
    const page = await browser.open(`/admin/settings/api-keys/${id}`)
    assert.match(page.html, /by <bdi>an import<\/bdi>/)
    assert.match((await browser.open('/admin/audit-log')).html, /Imported API keys/)

    const post = (path: string, by: string) => house.api(`/keys/${id}/${path}`, by, { method: 'POST' })
    const { secret: manager } = await house.key(acme, 'live', scopes)
    assert.equal((await post('deactivate', manager)).status, 200)
    assert.equal(await status(house, secret), 401)
    assert.equal((await post('activate', manager)).status, 200)
    assert.equal(await status(house, secret), 200)
    const rotated = await post('rotate', manager)
    assert.equal(rotated.status, 201, await rotated.clone().text())
    const next = (await rotated.json()) as { secret: string }
    assert.deepEqual([await status(house, secret), await status(house, next.secret)], [401, 200])
  })

  await t.test('a hash of which nothing else is known works too', async () => {
    const secret = `f00.${randomBase62(40)}/+`
    assert.equal(await status(house, secret), 401)
    await importText(house, ndjson({ hash: sha256(secret).toString('hex').toUpperCase(), scopes }), {
      organization,
    })
    assert.equal(await status(house, secret), 200)
    assert.equal(await status(house, `${secret}x`), 401)
    const [key] = await keysOf(house, `prefix = ''`)
    assert.equal(key?.['last_four'], '')
  })

  await t.test('a prefix that leaves too little of the secret behind it is not kept', async () => {
    const secret = newSecret('', 28)
    const hash = sha256(secret).toString('hex')
    const shown = { prefix: secret.slice(0, 13), length: 28, last_four: secret.slice(-4) }
    await importText(house, ndjson({ hash, scopes, ...shown, name: 'Shown' }), { organization })
    assert.equal(await status(house, secret), 200)
    const [key] = await keysOf(house, `name = 'Shown'`)
    assert.deepEqual([key?.['prefix'], key?.['last_four']], ['', secret.slice(-4)])
    assertNotIn(await dumpDatabase(house.databaseUrl), shown.prefix)
  })

  await t.test('what looks like an imported key and is something else of ours is no key', async () => {
    const format = createFormat(house.profile.credentials.prefixes)
    const refresh = format.write('refresh_token', 'live').reveal()
    const { secret: platform } = await createPartner(house)
    const ours = format.write('api_key', 'live').reveal()
    const { bad, counts } = await importText(
      house,
      ndjson(
        { secret: refresh, scopes },
        { hash: sha256(platform).toString('hex'), scopes },
        { secret: ours, scopes },
      ),
      { organization },
    )
    assert.deepEqual(counts, [3, 1, 0, 2])
    assert.match(bad[0]?.reason ?? '', /no API key but a refresh_token/)
    assert.match(bad[1]?.reason ?? '', /there already, and is no API key/)
    const written = await keysOf(house, `hash = '\\x${sha256(platform).toString('hex')}'`)
    assert.deepEqual(written, [], 'nor is it shown as one')
    assert.equal(await status(house, ours), 200, 'a key of another Latchkey')
    // Foreign text in place of an access token's: only keys come from elsewhere.
    const text = newSecret()
    await house.asOwner(
      `insert into credentials (hash, kind, scopes, platform_id)
       select sha256($1::bytea), 'platform_key', '{}', id from platforms limit 1`,
      [text],
    )
    assert.equal(await status(house, text), 401)
  })

  await t.test(
    'bad lines are told by number and reason, without a word of them, and stop nothing',
    async () => {
      await house.organization('Sleeping')
      await house.asOwner(`update organizations set is_stopped = true where slug = 'sleeping'`)
      const known = newSecret()
      await importText(house, ndjson({ secret: known, scopes }), { organization })
      const good = newSecret()
      const lines: readonly (readonly [line: object | string, reason: RegExp])[] = [
        [{ secret: 'tooShort1', scopes }, /weak: it has fewer than 16/],
        [{ secret: `sk_live_${'0'.repeat(32)}`, scopes }, /weak: it has fewer than 6 different/],
        [{ secret: `${newSecret()}é`, scopes }, /no header/],
        [{ secret: newSecret('', 513), scopes }, /more than 512/],
        [{ secret: newSecret() }, /scopes: there is none/],
        [
          { secret: newSecret(), scopes: ['read:bookings', 'sk_live_hidden1234'] },
          /scopes: number 2 is none/,
        ],
        [{ secret: newSecret(), scopes, organization: 'sk-live-hidden' }, /there is none of this id or slug/],
        [{ secret: newSecret(), scopes, organization: 'ac\u0000me' }, /there is none of this id or slug/],
        [{ secret: newSecret(), scopes, organization: 'sleeping' }, /suspended/],
        [{ secret: known, scopes, organization: 'globex' }, /under another organization/],
        [{ secret: good, scopes, organization: 'globex' }, /under another organization/],
        [{ secret: newSecret(), scopes, mode: 'sk_live_hidden' }, /mode: it must be live or test/],
        [{ secret: newSecret(), scopes, expires_at: '2020-01-01' }, /must lie in the future/],
        [{ secret: newSecret(), scopes, expires_at: '2030-02-30' }, /must be a time/],
        [{ secret: newSecret(), scopes, created_at: '2999-01-01' }, /lies in the future/],
        [{ secret: newSecret(), scopes, name: 'x'.repeat(101) }, /name: /],
        [{ secret: newSecret(), scopes, hash: 'ab' }, /both a secret and a hash/],
        [{ secret: newSecret(), scopes, length: 32 }, /length: this is for lines with a hash/],
        [{ hash: newSecret(), scopes }, /no SHA-256/],
        [{ hash: 'ab'.repeat(32), length: 9, scopes }, /length: it must be from 16 to 512/],
        [{ scopes }, /neither a secret nor a hash/],
        [{ secret: newSecret(), scopes, sk_live_hidden: 1 }, /a field that is not known/],
        [{ secret: 123456789012345, scopes }, /secret: it must be a text/],
        [{ secret: newSecret(), scopes, revoked: 'maybe' }, /revoked: it must be true or false/],
        ['{"secret": "sk_live_hidden', /not valid JSON/],
        ['"sk_live_hidden"', /no JSON object/],
      ]
      const text = lines.map(([line]) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
      const { counts, bad } = await importText(house, `${ndjson({ secret: good, scopes })}\n${text}\n`, {
        organization,
      })
      assert.deepEqual(counts, [lines.length + 1, 1, 0, lines.length])
      for (const [at, [line, reason]] of lines.entries()) {
        assert.equal(bad[at]?.line, at + 3, 'the blank line counts where lines are numbered')
        assert.match(bad[at]?.reason ?? '', reason, JSON.stringify(line))
      }
      const told = JSON.stringify(bad)
      for (const hidden of ['hidden', 'tooShort1', known, good]) assert.ok(!told.includes(hidden), hidden)
      assert.equal(await status(house, good), 200)
    },
  )

  await t.test('a file twice, and a line twice, make nothing twice', async () => {
    const file = sha256('a file')
    const lines = [newSecret(), newSecret()].map((secret) => ({ secret, scopes }))
    const text = ndjson(...lines, ...lines)
    const first = await importText(house, text, { organization, file })
    assert.deepEqual(first.counts, [4, 2, 2, 0])
    const before = (await keysOf(house)).length
    const second = await importText(house, text, { organization, file })
    assert.deepEqual(second.counts, [4, 0, 4, 0])
    assert.equal((await keysOf(house)).length, before)
    const entries = await house.asOwner<{ details: { keys: number } }>(
      `select details from audit_events where action = 'keys.imported' and details->>'file_sha256' = $1`,
      [file.toString('hex')],
    )
    assert.deepEqual(
      entries.map(({ details }) => details.keys),
      [2],
      'what was imported is told, once',
    )
    assert.deepEqual(await house.asOwner('select * from key_imports'), [], 'nothing is under way')
  })

  await t.test('deactivated and revoked keys are listed, and refused', async () => {
    const [sleeping, dead] = [newSecret(), newSecret()]
    const { counts } = await importText(
      house,
      ndjson(
        { secret: sleeping, scopes, deactivated: true, name: 'Sleeping' },
        { secret: dead, scopes, revoked: 'true', name: 'Dead' },
      ),
      { organization },
    )
    assert.deepEqual(counts, [2, 2, 0, 0])
    assert.deepEqual([await status(house, sleeping), await status(house, dead)], [401, 401])
    const [key] = await keysOf(house, `name = 'Sleeping'`)
    const { secret: manager } = await house.key(acme, 'live', scopes)
    const activated = await house.api(`/keys/${key?.['id']}/activate`, manager, { method: 'POST' })
    assert.equal(activated.status, 200)
    assert.equal(await status(house, sleeping), 200)
  })

  await t.test('organizations are created where that is asked for; a dry run writes nothing', async () => {
    const secret = newSecret()
    const line = { secret, scopes }
    const text = ndjson({ ...line, organization: 'brand-new' }, { ...line, organization: 'No Slug' })
    const without = await importText(house, text)
    assert.deepEqual(without.counts, [2, 0, 0, 2])
    const before = await countRows(house)
    const dry = await importText(house, text, { creates: true, isDryRun: true, file: sha256(text) })
    assert.deepEqual([dry.counts, dry.outcome.organizationsCreated], [[2, 1, 0, 1], 1])
    assert.deepEqual(await countRows(house), before)
    const made = await importText(house, text, { creates: true })
    assert.deepEqual([made.counts, made.outcome.organizationsCreated], [[2, 1, 0, 1], 1])
    assert.equal(await status(house, secret), 200)
    const told = await house.asOwner<{ action: string }>(
      `select action from audit_events where organization_id = (select id from organizations where slug = 'brand-new')
       order by id`,
    )
    assert.deepEqual(
      told.map(({ action }) => action),
      ['organization.created', 'keys.imported'],
    )
    // Those of a later batch too.
    const far = `${ndjson({ ...line, organization: 'newer' })}${'{}\n'.repeat(5000)}${ndjson({ secret: newSecret(), scopes, organization: 'newer' })}`
    const twice = await importText(house, far, { creates: true, isDryRun: true })
    assert.equal(twice.outcome.organizationsCreated, 1, 'one that is named in two batches is one')
    const both = await Promise.all(
      [newSecret(), newSecret()].map((other) =>
        importText(house, ndjson({ secret: other, scopes, organization: 'newest' }), { creates: true }),
      ),
    )
    const sum = both.reduce((total, { outcome }) => total + outcome.organizationsCreated, 0)
    assert.equal(sum, 1, 'of two imports one makes it')
    const taken = await importText(house, ndjson({ ...line, organization: 'globex' }), { isDryRun: true })
    assert.deepEqual(taken.counts, [1, 0, 0, 1], 'a dry run sees whose key it is')
  })

  await t.test(
    'CSV: the first line names the fields; one that does not is told without its words',
    async () => {
      const [first, second] = [newSecret(), newSecret()]
      const text = `Secret,organization,scopes,name,expires_at\r\n${first},acme,read:bookings,"A, ""b""",\r\n${second},acme,"oh\r\n${second},acme,read:bookings,,\r\n`
      const { counts, bad } = await importText(house, text, { format: 'csv' })
      assert.deepEqual([counts, bad.map(({ line }) => line)], [[3, 2, 0, 1], [3]])
      assert.deepEqual([await status(house, first), await status(house, second)], [200, 200])
      assert.equal((await keysOf(house, `name = 'A, "b"'`)).length, 1)
      for (const head of [`${newSecret()},acme`, 'secret,secret', 'name,scopes', 'secret,"scopes']) {
        await assert.rejects(importText(house, `${head}\n`, { format: 'csv' }), (thrown: { say: string }) => {
          assert.match(thrown.say, /must name its columns/)
          return !thrown.say.includes('sk_live_')
        })
      }
    },
  )

  await t.test('two imports at once of the same file: one stops, and no key is there twice', async () => {
    const text = ndjson(...Array.from({ length: 300 }, () => ({ secret: newSecret(), scopes })))
    const some = { organization, file: sha256(text) }
    const runs = await Promise.allSettled([importText(house, text, some), importText(house, text, some)])
    const failures = runs.flatMap((run) => (run.status === 'rejected' ? [run.reason.say] : []))
    assert.ok(failures.every((say) => /Another import of this file is at work/.test(say)))
    const imported = runs.flatMap((run) => (run.status === 'fulfilled' ? [run.value.outcome.imported] : []))
    assert.equal(Math.max(...imported), 300)
  })
})

test('two imports at once of keys that look alike do not wait for each other in a circle', async (t) => {
  const house = await startHouse(t, { profile: 'boooply' })
  const { id: organization } = await house.organization('Acme')
  const text = ndjson(...[401, 400].map((length) => ({ secret: newSecret('', length) })))
  const { counts } = await meanwhile(
    house,
    (tx) => insertShapes(tx, [{ prefix: '', length: 400 }]),
    () => importText(house, text, { organization }),
    (tx) => insertShapes(tx, [{ prefix: '', length: 401 }]),
  )
  assert.deepEqual(counts, [2, 2, 0, 0])
})

test('where the profile has one mode and no scopes, keys have neither another mode nor any scope', async (t) => {
  const house = await startHouse(t, { profile: 'boooply' })
  const { id: organization } = await house.organization('Acme')
  const secret = newSecret()
  const text = ndjson(
    { secret },
    { secret: newSecret(), mode: 'test' },
    { secret: newSecret(), scopes: ['read:bookings'] },
  )
  const { counts, bad } = await importText(house, text, { organization })
  assert.deepEqual(counts, [3, 1, 0, 2])
  assert.match(bad[0]?.reason ?? '', /^mode: There is no test mode here/)
  assert.match(bad[1]?.reason ?? '', /^scopes: number 1 is none of the profile's/)
  assert.equal(await status(house, secret), 200)
})

test('by command line: the documented files, summaries, and going on after kill -9', async (t) => {
  const house = await startHouse(t)
  const acme = await house.organization('Acme')
  const late = await house.organization('Late')
  const globex = await house.organization('Globex')
  const home = await makeHome(t)
  const env = { DATABASE_URL: house.databaseUrl }

  await t.test('the examples of docs/importing-keys.md', async () => {
    const page = await readFile(join(packageRoot, 'docs/importing-keys.md'), 'utf8')
    const example = (kind: string) => new RegExp(`\`\`\`${kind}\n([^]*?)\`\`\``).exec(page)?.[1] ?? ''
    await writeFile(join(home, 'hashes.csv'), example('csv'))
    const csv = await runJson<Record<string, unknown>>(home, ['import', 'keys', 'hashes.csv'], env)
    assert.deepEqual([csv['lines'], csv['imported']], [2, 2])
    assert.equal((await keysOf(house, `organization_id = '${globex.id}'`)).length, 2)

    // One good line of the two is spoiled; the rest goes in, and the exit code says so.
    const [first = '', second = ''] = example('ndjson').split('\n')
    await writeFile(join(home, 'keys'), `${first}\n${second.replace('read:bookings', 'none:such')}\n`)
    const args = ['import', 'keys', 'keys', '--format', 'ndjson', '--errors', 'bad.ndjson', '--json']
    const { code, stdout, stderr } = await runCommand(home, args, env)
    assert.equal(code, 1)
    const { seconds, keys_per_second: perSecond, ...summary } = JSON.parse(stdout)
    assert.deepEqual([typeof seconds, typeof perSecond], ['number', 'number'])
    const zeros = { dry_run: false, already: 0, organizations_created: 0, resumed_after: 0 }
    assert.deepEqual(summary, { ...zeros, lines: 2, imported: 1, bad: 1 })
    assert.match(stderr, /^Line 2: scopes: number 1 is none of the profile's\.\n1 line could not be imported/)
    assert.deepEqual(JSON.parse(await readFile(join(home, 'bad.ndjson'), 'utf8')), {
      line: 2,
      reason: "scopes: number 1 is none of the profile's.",
    })
    const { secret } = JSON.parse(first)
    await house.settle()
    assert.equal(await status(house, secret), 200)
  })

  await t.test('from standard input', async () => {
    const secret = newSecret()
    const child = startImport(home, env, ['-', '--format', 'csv', '--org', 'acme'])
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const hashes = [newSecret(), newSecret()].map((it) => sha256(it).toString('hex'))
    child.stdin.end(`secret,scopes\n${[secret, ...hashes].map((it) => `${it},read:bookings\n`).join('')}`)
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.match(
      stderr,
      /^Line 3: the secret looks like a SHA-256\.[^\n]*\n$/,
      'told once: it may be a mistake',
    )
    await house.settle()
    assert.equal(await status(house, secret), 200)
  })

  await t.test('bad lines are never written over the keys, and a full disk is told of', async () => {
    const text = `${ndjson({ secret: newSecret() })}\n`
    await writeFile(join(home, 'some.ndjson'), text)
    const run = (errors: string) =>
      runCommand(home, ['import', 'keys', 'some.ndjson', '--org', 'acme', '--errors', errors], env)
    const [same, full] = await Promise.all([run('./some.ndjson'), run('/dev/full')])
    assert.deepEqual(
      [same.code, same.stderr],
      [1, '--errors names the file of the keys itself. Choose another file.\n'],
    )
    assert.equal(await readFile(join(home, 'some.ndjson'), 'utf8'), text)
    assert.equal(full.code, 1)
    assert.match(full.stderr, /^\/dev\/full can ?not be written[^\n]*\n$/)
    assert.deepEqual(await house.asOwner('select * from key_imports'), [])
  })

  await t.test('Ctrl-C is answered with how far it has come', async () => {
    const child = startImport(home, env, ['-', '--format', 'ndjson', '--errors', 'bad.ndjson'])
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      // The batch is under way: it is waited for.
      if (/Further bad lines/.test(text)) child.kill('SIGINT')
      stderr += text
    })
    child.stdin.write('{}\n'.repeat(5000))
    const [code] = await once(child, 'close')
    assert.equal(code, 130, stderr)
    assert.match(stderr, /\nInterrupted after 5,000 lines\.\n$/)
  })

  await t.test('killed in the middle, the same command goes on after the last batch', async () => {
    const secrets = Array.from({ length: 5001 }, () => newSecret())
    const lines = secrets.map((secret, at) => ({
      secret,
      scopes,
      organization: at < 5000 ? acme.slug : late.slug,
    }))
    await writeFile(join(home, 'many.ndjson'), ndjson(...lines))
    await house.database.knex.transaction(async (tx) => {
      // The second batch waits for this.
      await lockOrganizations(tx, [late.id])
      await killWhen(t, home, env, async () => (await house.asOwner('select * from key_imports')).length > 0)
    })
    const [left] = await house.asOwner<{ lines: string }>('select lines from key_imports')
    assert.equal(left?.lines, '5000')
    const { stderr, stdout, code } = await runCommand(home, ['import', 'keys', 'many.ndjson'], env)
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^Going on after 5,000 lines that are done\.\n/)
    assert.match(stdout, /^5,001 lines, 5,001 imported, 0 were there already, 0 bad \(/)
    assert.equal((await keysOf(house, `organization_id = '${late.id}'`)).length, 1)
    await house.settle()
    assert.deepEqual(
      [await status(house, secrets[0] ?? ''), await status(house, secrets[5000] ?? '')],
      [200, 200],
    )
    assert.deepEqual(await house.asOwner('select * from key_imports'), [])
  })
})

/** Starts the import of many.ndjson and ends it by force as soon as something is so. */
async function killWhen(
  t: TestContext,
  home: string,
  env: Readonly<Record<string, string>>,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const child = startImport(home, env, ['many.ndjson'])
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  while (!(await isSo())) {
    assert.equal(child.exitCode, null, 'it ended before')
    await sleep(20)
  }
  child.kill('SIGKILL')
  await ended
}

function startImport(home: string, env: Readonly<Record<string, string>>, args: readonly string[]) {
  const program = join(packageRoot, 'bin/latchkey.js')
  return spawn(process.execPath, [program, 'import', 'keys', ...args], {
    cwd: home,
    env: { PATH: process.env['PATH'], ...env },
  })
}
