// WORKERS=n: several processes that are one server. Each request here comes by a connection of its own where it
// matters, so that the workers answer in turn.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorOf, obtainCode, postToken, readTokens } from '../support/authorization.ts'
import { createTestDatabase } from '../support/database.ts'
import { password } from '../support/password.ts'
import { RestlessBrowser } from '../support/person-browser.ts'
import { profileFiles } from '../support/profile-files.ts'
import {
  assertNoDatabase,
  clientId,
  databaseProcesses,
  demoKey,
  makeHome,
  runJson,
  type ServerProcess,
  setUpLink,
  spawnServer,
  startServer,
  survivors,
  workersOf,
} from '../support/server-process.ts'
import { beginBooking } from '../support/slow-request.ts'

/** On a busy machine a process takes seconds to start. */
async function waitFor(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !(await isSo()); await sleep(20)) assert.ok(Date.now() < end, what)
}

const close = { Connection: 'close' }

test('a server of two workers on the embedded database starts, mends and stops as one', async (t) => {
  const home = await makeHome(t)
  const server = await startServer(t, { home, env: { WORKERS: '2' } })
  const key = demoKey(server)

  await t.test('it says once what there is to say', () => {
    assert.equal(server.stderr(), '')
    assert.equal(server.stdout().split('Stop with Ctrl-C').length - 1, 1)
    assert.equal(server.stdout().split('Set-up link').length - 1, 1)
    assert.equal(workersOf(server).length, 2)
  })

  await t.test('a worker that is killed is replaced', async () => {
    const before = workersOf(server)
    process.kill(before[0]?.pid ?? 0, 'SIGKILL')
    const isWhole = () => workersOf(server).length === 2 && survivors(before).length === 1
    await waitFor(isWhole, 'it is replaced')
    const answers = async () => (await metricsOf(server)).length
    await waitFor(async () => (await answers()) === 2, 'the new one serves')
    assert.match(server.stdout(), /"worker":[12],.*"signal":"SIGKILL".*"msg":"a worker has ended"/)
  })

  await t.test(
    'a SIGTERM that comes to all of them waits for requests in flight and leaves nothing behind',
    async () => {
      const processes = [...workersOf(server), ...(await databaseProcesses(home))]
      const requests = [await beginBooking(server, key), await beginBooking(server, key)]
      const stopped = server.stopGroup('SIGTERM')
      await waitFor(
        () =>
          // One that the primary took while its workers stopped listening may get no answer: it is not waited for.
          fetch(`${server.url}/healthz`, { headers: close, signal: AbortSignal.timeout(1000) }).then(
            () => false,
            ({ name }: Error) => name !== 'TimeoutError',
          ),
        'it is deaf',
      )
      for (const request of requests) assert.equal((await request.finish()).status, 201)
      assert.equal((await stopped).code, 0)
      await assertNoDatabase(home, processes)
    },
  )

  await t.test('kill -9 of the primary ends the workers and PostgreSQL too', async () => {
    const killed = await startServer(t, { home, env: { WORKERS: '2' } })
    const processes = [...workersOf(killed), ...(await databaseProcesses(home))]
    assert.ok(processes.length > 3)
    await killed.stop('SIGKILL')
    await waitFor(() => survivors(processes).length === 0, 'all have ended')
  })
})

/** Which workers' figures are on the page, the one that answers first. */
async function metricsOf({ url }: ServerProcess): Promise<string[]> {
  const page = await (await fetch(`${url}/metrics`, { headers: close })).text()
  return [...page.matchAll(/^process_start_time_seconds\{worker="(\d)"\}/gm)].map(([, place = '']) => place)
}

interface Made {
  readonly id: string
  readonly secret: string
}

async function startThree(t: TestContext) {
  const home = await makeHome(t)
  const files = profileFiles(t)
  files.change('boothzen.json', {
    'rateClasses.default.windows': [{ requests: 1_000_000_000, seconds: 60 }],
    'oauth.refreshGraceSeconds': 0,
  })
  const env = {
    DATABASE_URL: await createTestDatabase(t),
    PROFILE: files.file,
    WORKERS: '3',
    LOG_LEVEL: 'warn',
  }
  return { home, env, server: await startServer(t, { home, env }) }
}

test('three workers are one server to whoever is passed from one to the other', async (t) => {
  const { home, env, server } = await startThree(t)

  await t.test('a port that is taken is told once, and nothing is left of who wanted it', async () => {
    const late = await spawnServer(t, { home, env: { ...env, PORT: String(server.port) } })
    const { code } = await late.ended
    assert.equal(code, 1)
    assert.match(late.stderr(), /^Port \d+ on 127\.0\.0\.1 is in use\. .*\n$/)
    assert.deepEqual(workersOf(late), [])
  })

  await t.test('/metrics has the figures of all, whichever answers', async () => {
    const first = new Set<string | undefined>()
    await waitFor(async () => {
      const page = await metricsOf(server)
      assert.deepEqual([...page].sort(), ['1', '2', '3'])
      return first.add(page[0]).size === 3
    }, 'each of them has answered')
  })

  const browser = new RestlessBrowser(server.url)
  await t.test('the link of the first start, a sign-in and a consent go through all of them', async () => {
    const fields = { password, password_again: password }
    const page = await browser.submit(await browser.open(setUpLink(server)), fields)
    assert.match(page.html, /Demo key/)
    const other = new RestlessBrowser(server.url)
    const signedIn = await other.signIn(await other.open('/sign-in'), 'operator@example.com')
    assert.equal(new URL(signedIn.url).pathname, '/admin/settings/api-keys')
  })

  const app = { clientId: clientId(server) }
  const change = { redirect_uri: 'http://127.0.0.1/callback' }
  const authorize = () =>
    obtainCode(server.url, app, 'operator@example.com', 'read:bookings', browser, change)

  await t.test('of a burst that comes too late, one request to each, none is taken for a thief', async () => {
    const { code, verifier } = await authorize()
    const send = () =>
      postToken(
        server.url,
        {
          ...change,
          grant_type: 'authorization_code',
          code,
          code_verifier: verifier,
          client_id: app.clientId,
        },
        close,
      )
    const tokens = await readTokens(await send())
    const late = await Promise.all([send(), send(), send()])
    for (const answer of late) assert.equal(await errorOf(answer), '400 invalid_grant')
    assert.equal((await server.api('/me', tokens.access_token)).status, 200)
  })

  await t.test('what is revoked at one of them is refused by each from the answer on', async () => {
    const create = ['key', 'create', '--org', 'harbour-booths', '--mode', 'test']
    const scopes = ['--scope', 'keys:read,keys:write,read:bookings']
    const manager = await runJson<Made>(home, [...create, ...scopes], { ...env, WORKERS: '1' })
    const accepted = await revokeMany(server, manager.secret, Number(process.env['ROUNDS'] ?? 200))
    assert.equal(accepted, 0)
  })
})

/** Makes keys, has every worker see each, revokes it, and asks them all again. How often it was still accepted. */
async function revokeMany(server: ServerProcess, manager: string, rounds: number): Promise<number> {
  let begun = 0
  let accepted = 0
  const use = (secret: string) =>
    Promise.all([1, 2, 3].map(async () => (await server.api('/me', secret, { headers: close })).status))
  const lane = async () => {
    while (begun < rounds) {
      begun += 1
      const headers = { 'Content-Type': 'application/json', ...close }
      const body = JSON.stringify({ name: 'x', scopes: ['read:bookings'] })
      const made = (await (
        await server.api('/keys', manager, { method: 'POST', body, headers })
      ).json()) as Made
      assert.deepEqual(await use(made.secret), [200, 200, 200])
      const revoked = await server.api(`/keys/${made.id}/revoke`, manager, { method: 'POST', headers: close })
      assert.ok(revoked.ok)
      accepted += (await use(made.secret)).filter((status) => status !== 401).length
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  return accepted
}
