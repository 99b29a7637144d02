// The OAuth helper, the real server and a person at a browser.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  AuthorizationNeededError,
  BoothZenClient,
  OAuthClient,
  type OAuthClientOptions,
  OAuthError,
  type PendingAuthorization,
  type StoredTokens,
  type TokenStore,
} from '../../src/client/entry.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { allow, reachConsent, redirectUri } from '../support/authorization.ts'
import { writeExamples } from '../support/doc-examples.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { withoutLimits } from '../support/platform.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'

interface Memory extends TokenStore {
  tokens: StoredTokens | null
}

function memory(): Memory {
  const store: Memory = {
    tokens: null,
    load: async () => store.tokens,
    save: async (_key, tokens) => {
      store.tokens = tokens
    },
  }
  return store
}

const codeOf = (code: string) => (error: unknown) => error instanceof OAuthError && error.code === code

test('an app and its person', async (t) => {
  const house = await startHouse(t, { change: withoutLimits })
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const browser = new PersonBrowser(house.url)
  const { clientId } = await house.app(organization)
  const surroundings = { now: () => house.now().getTime() }
  /** Every POST to the token endpoint that the app makes. */
  const asked: URLSearchParams[] = []
  const fetchAndNote: typeof fetch = (url, init) => {
    if (String(url).endsWith('/oauth/token')) asked.push(new URLSearchParams(String(init?.body)))
    return fetch(url, init)
  }
  const open = (store: TokenStore, more: Partial<OAuthClientOptions> = {}) =>
    new OAuthClient({
      issuer: house.url,
      clientId,
      redirectUri,
      scope,
      store,
      surroundings,
      fetch: fetchAndNote,
      ...more,
    })
  const connect = async (store: TokenStore, more: Partial<OAuthClientOptions> = {}) => {
    const oauth = open(store, more)
    const link = await oauth.authorizationUrl()
    await oauth.exchange(await allow(browser, link, email), link)
    return oauth
  }
  const apiOf = (oauth: OAuthClient) => new BoothZenClient({ apiKey: oauth.accessToken, baseUrl: house.url })

  await t.test('link, consent, exchange, calls, a refresh that is stored first, the end', async () => {
    const store = memory()
    const oauth = await connect(store)
    assert.equal(store.tokens?.scope, scope)
    const api = apiOf(oauth)
    assert.equal((await api.me()).kind, 'access_token')
    const before = store.tokens
    assert.equal(await oauth.accessToken(), before.accessToken)

    house.travel(house.profile.oauth.accessTokenSeconds - 30)
    const order: string[] = []
    const { save } = store
    store.save = async (key, tokens) => {
      await new Promise((resolve) => setImmediate(resolve))
      await save(key, tokens)
      order.push('stored')
    }
    const token = await oauth.accessToken()
    order.push('given')
    assert.deepEqual(order, ['stored', 'given'])
    assert.notEqual(token, before.accessToken)
    assert.equal(store.tokens?.accessToken, token)
    assert.notEqual(store.tokens.refreshToken, before.refreshToken)
    assert.equal((await api.me()).client_id, clientId)

    await oauth.revoke()
    assert.equal(store.tokens, null)
    await assert.rejects(api.me(), AuthorizationNeededError)
    assert.equal((await house.api('/me', token)).status, 401)
  })

  await t.test('the link has PKCE (S256) and a state, new each time', async () => {
    const oauth = open(memory())
    const [one, other] = [await oauth.authorizationUrl(), await oauth.authorizationUrl()]
    const { searchParams } = new URL(one.url)
    assert.equal(searchParams.get('code_challenge_method'), 'S256')
    assert.match(searchParams.get('code_challenge') ?? '', /^[\w-]{43}$/)
    assert.equal(searchParams.get('state'), one.state)
    assert.ok(!one.url.includes(one.codeVerifier))
    assert.notEqual(one.state, other.state)
    assert.notEqual(one.codeVerifier, other.codeVerifier)
  })

  await t.test('answers to another question are refused, before anything is sent', async () => {
    const oauth = open(memory())
    const kept = await oauth.authorizationUrl()
    const { state } = kept
    const iss = house.url
    asked.length = 0
    const refused = async (code: string, parameters: Record<string, string>) => {
      const callback = `/callback?${new URLSearchParams(parameters)}`
      await assert.rejects(oauth.exchange(callback, kept), codeOf(code), JSON.stringify(parameters))
    }
    await refused('state_mismatch', { code: 'c', iss, state: 'x' })
    await refused('state_mismatch', { code: 'c', iss })
    await refused('state_mismatch', { error: 'access_denied', iss, state: 'x' })
    await refused('issuer_mismatch', { code: 'c', iss: 'https://evil.example', state })
    await refused('issuer_mismatch', { code: 'c', state }) // the server says that it always says who it is
    await refused('issuer_mismatch', { error: 'access_denied', state })
    await refused('access_denied', { error: 'access_denied', iss, state })
    await refused('invalid_answer', { iss, state })
    assert.equal(asked.length, 0)
    await assert.rejects(
      oauth.exchange(`/callback?code=c&iss=${iss}&state=${state}`, kept),
      AuthorizationNeededError,
    )
  })

  await t.test(
    'an answer that nobody waits for: the page was loaded again, the session has ended',
    async () => {
      const oauth = open(memory())
      const callback = `/callback?${new URLSearchParams({ code: 'c', iss: house.url })}`
      for (const kept of [undefined, null, {}]) {
        // What a session gives that has nothing (any more): no compiler sees it.
        const nothing = kept as unknown as PendingAuthorization
        await assert.rejects(oauth.exchange(callback, nothing), codeOf('state_mismatch'))
        await assert.rejects(oauth.exchange(`${callback}&state=undefined`, nothing), codeOf('state_mismatch'))
      }
    },
  )

  await t.test('a person who says no', async () => {
    const oauth = open(memory())
    const link = await oauth.authorizationUrl()
    const consent = await reachConsent(browser, link, email)
    const back = await browser.submit(consent, { decision: 'deny' })
    await assert.rejects(oauth.exchange(back.url, link), codeOf('access_denied'))
  })

  await t.test('what is missing is told before a person is sent anywhere', () => {
    for (const name of ['clientId', 'redirectUri'])
      assert.throws(() => open(memory(), { [name]: '' }), new RegExp(`^TypeError: ${name} is missing`))
    assert.throws(() => open(memory(), { issuer: '' }), /^TypeError: issuer must be an address/)
  })

  await t.test('token answers of other servers: what is left out, or is not as it should be', async () => {
    const exchange = async (answer: object) => {
      const says: typeof fetch = async (url, init) =>
        String(url).endsWith('/oauth/token') ? Response.json(answer) : fetch(url, init)
      const oauth = open(memory(), { fetch: says, surroundings: { now: () => 0 } })
      const link = await oauth.authorizationUrl()
      const { refreshToken, renewAt } = await oauth.exchange(
        `/callback?${new URLSearchParams({ code: 'c', iss: house.url, state: link.state })}`,
        link,
      )
      return [refreshToken, renewAt]
    }
    assert.deepEqual(await exchange({ access_token: 'a' }), [null, 3_540_000])
    assert.deepEqual(await exchange({ access_token: 'a', expires_in: '100' }), [null, 90_000])
    const strange = { access_token: 'a', expires_in: 'soon', refresh_token: 7 }
    assert.deepEqual(await exchange(strange), [null, 3_540_000])
    for (const answer of [{ access_token: '' }, {}, []])
      await assert.rejects(exchange(answer), codeOf('invalid_answer'))
  })

  await t.test('metadata of another issuer is not believed', async () => {
    const other = open(memory(), { issuer: house.url.replace('localhost', '127.0.0.1') })
    await assert.rejects(other.authorizationUrl(), (error) => error instanceof OAuthError)
    const lies: typeof fetch = async (url, init) => {
      const metadata = (await (await fetch(url, init)).json()) as object
      return Response.json({ ...metadata, issuer: 'https://evil.example' })
    }
    await assert.rejects(open(memory(), { fetch: lies }).authorizationUrl(), codeOf('issuer_mismatch'))
  })

  await t.test('many calls at once, and many clients of one store, refresh once', async () => {
    const store = memory()
    const oauth = await connect(store)
    const clients = [oauth, oauth, open(store), open(store)]
    house.travel(house.profile.oauth.accessTokenSeconds)
    asked.length = 0
    const tokens = await Promise.all(clients.map((it) => it.accessToken()))
    assert.equal(new Set(tokens).size, 1)
    assert.equal(asked.length, 1)
  })

  await t.test('a token that the API refuses is renewed, and the call goes on', async () => {
    const store = memory()
    const oauth = await connect(store)
    await oauth.accessToken()
    house.travel(house.profile.oauth.accessTokenSeconds)
    // The app's clock stands still: it does not know.
    const slow = open(store, { surroundings: { now: () => 0 } })
    assert.equal((await apiOf(slow).me()).client_id, clientId)
  })

  await t.test('a refresh whose answer was lost is sent again with the same token', async () => {
    const store = memory()
    await connect(store)
    house.travel(house.profile.oauth.accessTokenSeconds)
    let lost = 0
    const loses: typeof fetch = async (url, init) => {
      const response = await fetchAndNote(url, init)
      if (!String(url).endsWith('/oauth/token') || lost > 0) return response
      lost += 1
      throw new TypeError('the connection broke')
    }
    asked.length = 0
    const oauth = open(store, { fetch: loses, surroundings: { ...surroundings, sleep: async () => {} } })
    assert.equal((await house.api('/me', await oauth.accessToken())).status, 200)
    const [first, second] = asked.map((it) => it.get('refresh_token'))
    assert.equal(first, second)
    assert.equal(lost, 1)
  })

  await t.test(
    'new tokens that could not be stored are not lost, however long the store is away',
    async () => {
      const store = memory()
      const oauth = await connect(store)
      const before = store.tokens
      const { save } = store
      store.save = async () => {
        throw new Error('The disk is full.')
      }
      house.travel(house.profile.oauth.accessTokenSeconds)
      asked.length = 0
      await assert.rejects(Promise.resolve(oauth.accessToken()), /The disk is full/)
      await assert.rejects(Promise.resolve(oauth.accessToken()), /The disk is full/)
      assert.equal(store.tokens, before)
      assert.equal(asked.length, 1)

      // The server would take the old refresh token for a stolen one by now.
      house.travel(house.profile.oauth.accessTokenSeconds + 600)
      store.save = save
      assert.equal((await apiOf(oauth).me()).client_id, clientId)
      assert.equal(asked.length, 2) // those that were kept had ended, too
      assert.notEqual(store.tokens?.refreshToken, before?.refreshToken)
      assert.equal((await house.api('/me', store.tokens?.accessToken ?? '')).status, 200)
    },
  )

  await t.test('an authorization that has ended says that the person has to allow it again', async () => {
    const store = memory()
    const oauth = await connect(store)
    const kept = store.tokens
    await oauth.revoke()
    store.tokens = kept
    await assert.rejects(apiOf(open(store)).me(), (error) => {
      assert.ok(error instanceof AuthorizationNeededError)
      assert.equal(error.code, 'invalid_grant')
      assert.match(error.message, /The person has to allow the app again\.$/)
      return true
    })
    await assert.rejects(Promise.resolve(open(memory()).accessToken()), codeOf('no_tokens'))
  })

  await t.test('eight refreshes at once in two processes with a lock are one', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-tokens-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    writeExamples('docs/client.md', folder)
    const tokenFiles = join(folder, 'token-files.mjs')
    const { fileStore } = await import(pathToFileURL(tokenFiles).href)
    const store: TokenStore = fileStore(folder)
    await connect(store)
    const key = `${house.url} ${clientId}`
    const before = await store.load(key)
    assert.ok(before)
    await store.save(key, { ...before, renewAt: 0 }) // the processes have clocks of their own
    // Of the server's own counting: it would give all of them one answer, so the tokens alone prove nothing.
    const requests = () => house.log().split('"/oauth/token"').length

    const options = { folder, tokenFiles, issuer: house.url, clientId, redirectUri, scope }
    const processes = await Promise.all([startRefresher(t, options), startRefresher(t, options)])
    const earlier = requests()
    const tokens = (await Promise.all(processes.map(({ go }) => go()))).flat()
    assert.equal(tokens.length, 8)
    assert.equal(new Set(tokens).size, 1)
    assert.equal((await store.load(key))?.accessToken, tokens[0])
    assert.equal(requests(), earlier + 1)
    assert.equal((await house.api('/me', tokens[0] ?? '')).status, 200)
  })
})

/** A process that waits for the word. */
async function startRefresher(t: TestContext, options: object): Promise<{ go: () => Promise<string[]> }> {
  const program = ['--import', 'tsx', join(packageRoot, 'test/support/refresher.mjs')]
  const child = spawn(process.execPath, program, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const hear = async () => {
    const { value, done } = await lines.next()
    assert.ok(!done, 'the process has ended')
    return value
  }
  child.stdin.write(`${JSON.stringify(options)}\n`)
  assert.equal(await hear(), 'ready')
  return {
    go: async () => {
      child.stdin.write('go\n')
      return JSON.parse(await hear())
    },
  }
}
