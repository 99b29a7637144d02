// latchkey profile init: from flags to files that pass the check and start; and what it refuses.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startHouse } from '../support/house.ts'
import { makeFolder } from '../support/profile-files.ts'
import { runCommand } from '../support/server-process.ts'

test('a profile of a few flags passes the check, starts, and answers as it says', async (t) => {
  const folder = makeFolder(t)
  const flags = ['--yes', '--brand', 'Acme Orders', '--accent', '#0f766e', '--header', 'x-api-key']
  const shape = ['--base-path', '/public/v2', '--pagination', 'page', '--modes', 'live', '--rotation', 'none']
  const scopes = ['--scopes', 'orders:read, orders:refund', '--rate', '77', '--rate-headers', 'X-RateLimit']
  const said = ['--sentence', 'orders:refund=Refund orders|Rembourser des commandes']
  const made = await runCommand(folder, [
    'profile',
    'init',
    'acme.json',
    ...flags,
    ...shape,
    ...scopes,
    ...said,
  ])
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stdout, /Start it:\n {2}PROFILE=\.\/acme\.json npm start/)
  assert.deepEqual(readdirSync(folder).sort(), ['acme.json', 'acme.openapi.json', 'acme.sample.json'])
  const checked = await runCommand(folder, ['profile', 'check', './acme.json', '--json', '--no-database'])
  const { ok, mistakes, warnings } = JSON.parse(checked.stdout)
  assert.deepEqual([checked.code, ok, mistakes, warnings], [0, true, [], []])

  const house = await startHouse(t, { env: { PROFILE: join(folder, 'acme.json') } })
  assert.equal(house.profile.scopes['orders:refund']?.sentence.fr, 'Rembourser des commandes')
  const acme = await house.organization('Acme')
  const { secret } = await house.key(acme, 'live', ['orders:read', 'orders:refund'])
  assert.match(secret, /^acme_live_/)
  const listed = await house.api('/orders?page=1', secret)
  assert.deepEqual([listed.status, listed.headers.get('x-ratelimit-limit')], [200, '77'])
  assert.deepEqual(Object.keys(Object(await listed.json())), ['data'], 'counted pages have no next_cursor')
  const created = await house.api('/orders', secret, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"One"}',
  })
  assert.equal(created.status, 201)
  const stylesheet = /href="(\/assets\/app\.\w+\.css)"/.exec(
    await (await fetch(`${house.url}/sign-in`)).text(),
  )?.[1]
  const styles = await fetch(house.url + stylesheet)
  assert.match(styles.headers.get('cache-control') ?? '', /immutable/)
  assert.match(await styles.text(), /:root\{--accent:#0f766e;--accent-ink:#ffffff\}/)
})

test('it overwrites nothing, guesses nothing without a terminal, and leaves nothing behind', async (t) => {
  const folder = makeFolder(t)
  writeFileSync(join(folder, 'acme.sample.json'), 'mine')
  const run = (...args: string[]) => runCommand(folder, ['profile', 'init', ...args])
  const [there, silent, wrong, apart] = await Promise.all([
    run('acme.json', '--yes'),
    run('new.json', '--name', 'acme'),
    run('new.json', '--yes', '--accent', '#e0b400'),
    run('new.json', '--yes', '--scopes', 'read:things, orders:read', '--oauth', 'yes'),
  ])
  assert.deepEqual([there.code, silent.code, wrong.code, apart.code], [1, 1, 1, 1])
  assert.match(there.stderr, /There is already \.\/acme\.sample\.json\. Write over it with --force\./)
  assert.match(
    silent.stderr,
    /There is no terminal to ask in\. Take what is usual with --yes, or say all of it:\n {2}--brand/,
  )
  assert.match(wrong.stderr, /--accent is "#e0b400"\. It is #e0b400, whose contrast to the light page/)
  assert.match(
    apart.stderr,
    /--scopes is "read:things, orders:read"\. "read:things" has its verb first, and others/,
  )
  assert.deepEqual(readdirSync(folder), ['acme.sample.json'])
  assert.equal(readFileSync(join(folder, 'acme.sample.json'), 'utf8'), 'mine')

  const under = await run('acme.sample.json/new.json', '--yes')
  assert.deepEqual(
    [under.code, /^Nothing can be written in .*acme\.sample\.json: /.test(under.stderr)],
    [1, true],
  )

  const forced = await run('acme.json', '--yes', '--force', '--from', 'boothzen')
  assert.equal(forced.code, 0, forced.stderr)
  assert.ok(existsSync(join(folder, 'acme.openapi.json')))
  assert.match(readFileSync(join(folder, 'acme.openapi.json'), 'utf8'), /"X-Acme-Scope"/)
})

test('a packaged profile to begin with: its scopes with sentences of its own, in another envelope too', async (t) => {
  const folder = makeFolder(t)
  const flags = ['--yes', '--from', 'boothzen', '--sentence', 'read:bookings=See the diary|Voir l’agenda']
  const run = (file: string, ...more: string[]) =>
    runCommand(folder, ['profile', 'init', file, ...flags, ...more])
  const [kept, anew, alike] = await Promise.all([
    run('kept.json', '--scopes', 'read:bookings,write:bookings read:customers'),
    run('anew.json', '--envelope', 'busyboard', '--pagination', 'page'),
    runCommand(folder, [
      'profile',
      'init',
      'alike.json',
      '--yes',
      '--scopes',
      'order:read, new_order:read, order:write, orders:read',
    ]),
  ])
  assert.deepEqual([kept.code, anew.code, alike.code], [0, 0, 0], kept.stderr + anew.stderr + alike.stderr)
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
  assert.ok(read('kept.openapi.json').paths['/bookings'].post, 'the document of the beginning')
  for (const name of ['kept.json', 'anew.json']) {
    const { scopes } = read(name)
    assert.deepEqual(scopes['read:bookings'].sentence, { en: 'See the diary', fr: 'Voir l’agenda' })
    assert.equal(scopes['write:bookings'].sentence.en, 'Create and change bookings')
  }
  const { schemas } = read('alike.openapi.json').components
  assert.deepEqual(Object.keys(schemas), [
    'Credential',
    'Order',
    'NewOrder',
    'NewOrder2',
    'NewNewOrder2',
    'Order3',
    'NewOrder3',
  ])
})
