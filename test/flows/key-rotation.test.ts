// The server's own keys are replaced while people and apps are at work: SECURITY U16.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { byServer } from '../../src/core/attribution.ts'
import { Secret } from '../../src/lib/secret.ts'
import { listSigningKeys } from '../../src/oauth/signing-key-store.ts'
import { rotateSigningKey } from '../../src/oauth/signing-keys.ts'
import {
  authorizationUrl,
  exchange,
  obtainCode,
  reachConsent,
  readTokens,
  refresh,
} from '../support/authorization.ts'
import { createTestDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { freePort } from '../support/port.ts'
import { isSignedIn, turnOnSecondFactor } from '../support/second-factor.ts'
import { makeHome, runCommand, runJson, type ServerProcess, startServer } from '../support/server-process.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'

const kidsOf = async ({ url }: { readonly url: string }) =>
  ((await (await fetch(`${url}/oauth/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(
    ({ kid }) => kid,
  )

/** Waits for a running server to publish so many keys. */
async function untilPublished(server: { readonly url: string }, count: number): Promise<string[]> {
  for (const end = Date.now() + 30_000; ; await sleep(100)) {
    const kids = await kidsOf(server)
    if (kids.length === count) return kids
    assert.ok(Date.now() < end, `${kids.length} keys are published, not ${count}`)
  }
}

test('U16: signing keys and cookie keys are rotated with overlap, and nobody is signed out by it', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  const home = await makeHome(t)
  const old = 'k'.repeat(40) // the house's own
  const env = { DATABASE_URL: house.databaseUrl }
  const port = String(await freePort())
  const start = (keys: string) => startServer(t, { home, env: { ...env, PORT: port, COOKIE_KEYS: keys } })
  const server = await start(old)
  const { url } = server

  // A person who is signed in, here and at the authorization server, and an app that was allowed.
  const browser = new PersonBrowser(url)
  await browser.signIn(await browser.open('/sign-in'), email)
  const tokens = await readTokens(await exchange(url, app, await obtainCode(url, app, email, scope, browser)))
  const authenticator = await turnOnSecondFactor(house, browser)
  const assertAtHome = async () => {
    assert.ok(isSignedIn(await browser.open('/admin/account')), 'the console knows the person')
    const silent = authorizationUrl(url, app.clientId, scope, { prompt: 'none' })
    const answer = new URL((await browser.request(silent.url)).headers.get('location') ?? '', url)
    assert.match(answer.href, /^http:\/\/127\.0\.0\.1/)
    assert.notEqual(
      answer.searchParams.get('error'),
      'login_required',
      'and so does the authorization server',
    )
  }
  await assertAtHome()
  // Two browsers that are about to answer the consent page: one of them goes on soon.
  const atConsent = async () => {
    const waiting = new PersonBrowser(url, browser)
    const asked = authorizationUrl(url, app.clientId, scope, { prompt: 'consent' })
    return { browser: waiting, page: await reachConsent(waiting, asked, email) }
  }
  const [soon, late] = [await atConsent(), await atConsent()]

  // A new signing key, beside the one that was; a running server publishes both.
  const [first = ''] = await kidsOf(server)
  const rotated = await runJson<{ id: string; retiring: string[] }>(
    home,
    ['signing-key', 'rotate', '--overlap', '1h'],
    { ...env, COOKIE_KEYS: old },
  )
  assert.deepEqual(rotated.retiring, [first])
  assert.deepEqual(await untilPublished(server, 2), [rotated.id, first])
  const next = await readTokens(await refresh(url, app, tokens.refresh_token))
  await assertAtHome()

  // Who has other cookie keys would make a key that no server opens.
  await assert.rejects(
    rotateSigningKey(
      house.database.knex,
      [new Secret('x'.repeat(40))],
      { overlapSeconds: 60, by: byServer },
      house.now(),
    ),
    /key_state_conflict/,
  )

  // A new cookie key: shown to who asks for it, and first used by the next start.
  const hidden = await runCommand(home, ['cookie-key', 'rotate'], { ...env, COOKIE_KEYS: old })
  assert.deepEqual([hidden.code, hidden.stdout], [1, ''], 'a pipe gets no secret that it did not ask for')
  const both = await runJson<{ cookie_keys: string }>(home, ['cookie-key', 'rotate'], {
    ...env,
    COOKIE_KEYS: old,
  })
  assert.match(both.cookie_keys, new RegExp(`^[\\w-]{43},${old}$`))
  const [fresh = ''] = both.cookie_keys.split(',')
  await server.stop()
  const second = await start(both.cookie_keys)
  await assertAtHome()
  const answered = await soon.browser.submit(soon.page, { organization: organization.id, decision: 'allow' })
  assert.match(answered.url, /^http:\/\/127\.0\.0\.1.*[?&]code=/, 'what was begun before goes on')
  assert.deepEqual(await kidsOf(second), [rotated.id, first])
  await readTokens(await refresh(url, app, next.refresh_token))

  // Everything sealed anew, the old key is not needed any more; before that it can't be dropped.
  const now = { ...env, COOKIE_KEYS: both.cookie_keys }
  const early = await runCommand(home, ['cookie-key', 'retire', '--json'], now)
  assert.equal(early.code, 1)
  assert.match(early.stderr, /cookie-key reseal/)
  assert.deepEqual(await runJson(home, ['cookie-key', 'reseal'], now), {
    signing_keys: 2,
    second_factors: 1,
    unreadable: 0,
  })
  const alone = await runJson<{ cookie_keys: string }>(home, ['cookie-key', 'retire'], now)
  assert.equal(alone.cookie_keys, fresh)
  await second.stop()

  const third = await start(fresh)
  assert.deepEqual(await kidsOf(third), [rotated.id, first])
  await signInWithCode(third, authenticator.code(1))
  await assertAtHome()
  const expired = await late.browser.open(late.page.url)
  assert.equal(expired.status, 400, 'a key that is dropped opens nothing: who stayed on a page begins again')

  // And the overlap of the signing keys can be ended.
  assert.match(first, /^[0-9A-Za-z]{16}$/, 'no id is taken for an option')
  await runJson(home, ['signing-key', 'retire', first], { ...env, COOKIE_KEYS: fresh })
  assert.deepEqual(await untilPublished(third, 1), [rotated.id])
  const [current, retired] = await listSigningKeys(house.database.knex)
  assert.deepEqual([current?.id, retired?.id], [rotated.id, first])
  assert.deepEqual([current?.retiresAt, (retired?.retiresAt ?? house.now()) < new Date()], [null, true])
  await assertTold(house, [fresh, old])
})

/** Both steps, in a browser of its own. */
async function signInWithCode(server: ServerProcess, code: string): Promise<void> {
  const browser = new PersonBrowser(server.url)
  const page = await browser.signIn(await browser.open('/sign-in?next=/admin/account'), email)
  assert.match(page.url, /\/sign-in\/code\?/)
  assert.ok(isSignedIn(await browser.submit(page, { code })), 'the seal was opened with the new key')
}

/** The ledger tells of all of it, and never the keys. */
async function assertTold(house: House, secrets: readonly string[]): Promise<void> {
  const rows = await house.database.knex('audit_events').where('action', 'like', '%\\_key.%').orderBy('id')
  const ours = rows.filter(({ action }) => /^(signing|cookie)_key\./.test(action))
  assert.deepEqual(
    ours.map(({ action }) => action),
    [
      'signing_key.created',
      'cookie_key.created',
      'cookie_key.resealed',
      'cookie_key.retired',
      'signing_key.retired',
    ],
  )
  const text = JSON.stringify(ours)
  for (const secret of secrets) assert.ok(!text.includes(secret))
}

test('U16: a development server keeps its cookie keys in a file, which a rotation adds to', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const home = await makeHome(t)
  const file = join(home, 'data', 'cookie-keys')
  mkdirSync(join(home, 'data'))
  const old = 'd'.repeat(43)
  writeFileSync(file, old)
  const env = { DATABASE_URL: databaseUrl, DATA_DIR: join(home, 'data') }
  const { stdout, code } = await runCommand(home, ['cookie-key', 'rotate'], env)
  assert.equal(code, 0, 'nothing secret is shown: a pipe will do')
  const [fresh = '', ...others] = readFileSync(file, 'utf8').split('\n')
  assert.deepEqual(others, [old])
  assert.match(fresh, /^[\w-]{43}$/)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(!stdout.includes(fresh) && !stdout.includes(old), 'what a file keeps is not shown')
  await runJson(home, ['cookie-key', 'retire'], env)
  assert.equal(readFileSync(file, 'utf8'), fresh)
})
