// A credential is sent, and shown nowhere.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createOrganizationApiKey, LatchkeyClient, OAuthClient } from '../../src/client/entry.ts'
import { json, startStage, thingsApi } from '../support/client.ts'

const contract = thingsApi('boothzen', 'Things')
const apiKey = `tk_live_${'S3cr3t'.repeat(6)}`

const shown = (it: unknown) =>
  `${inspect(it, { depth: 20, showHidden: true })} ${JSON.stringify(it)} ${it instanceof Error ? it.stack : it}`

test('secrets are hidden', async (t) => {
  const stage = await startStage(t)
  const options = { apiKey, baseUrl: stage.url, contract, maxRetries: 0 }
  const client = new LatchkeyClient(options)
  const get = () => client.request({ method: 'GET', path: '/things' })
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => assert.fail('it succeeded'),
      (error: unknown) => error,
    )

  await t.test('in a client', () => {
    assert.ok(!shown(client).includes(apiKey))
    assert.match(inspect(client), /baseUrl.*\/v1.*\[secret\]/s)
  })

  await t.test('in the errors of a server that repeats what it was sent', async () => {
    stage.answer((res, { headers }) => {
      const message = `No such key: ${headers.authorization}`
      json(
        401,
        { error: { message }, headers },
        { 'X-Sent': String(headers.authorization) },
      )(res, stage.heard[0] ?? assert.fail())
    })
    const error = await failure(get())
    assert.match(String(error), /Things API 401: No such key: Bearer \[secret\]/)
    assert.ok(!shown(error).includes(apiKey))
  })

  await t.test('in the errors of a connection', async () => {
    const nowhere = new LatchkeyClient({ ...options, baseUrl: 'http://127.0.0.1:9' })
    assert.ok(!shown(await failure(nowhere.request({ method: 'GET', path: '/' }))).includes(apiKey))
  })

  await t.test('in complaints about what no header can carry', () => {
    for (const bad of [`${apiKey}\nX: y`, `${apiKey} x`, `${apiKey}é`]) {
      assert.throws(
        () => new LatchkeyClient({ ...options, apiKey: bad }),
        (error) => String(error).includes('apiKey has characters') && !shown(error).includes(apiKey),
      )
    }
    assert.throws(() => new LatchkeyClient({ ...options, apiKey: '' }), /apiKey is missing/)
    assert.doesNotThrow(() => new LatchkeyClient({ ...options, apiKey: `${apiKey}\n` }), 'as a file has it')
  })

  await t.test('in a new key, which can be read and stored all the same', async () => {
    const secret = `bz_live_${'N3w'.repeat(12)}`
    const platformKey = `bz_platform_${'P1at'.repeat(9)}`
    const answer = { apiKey: secret, keyId: 'key_1', organization: { id: 'org_1' } }
    stage.answer(json(201, answer))
    const data = { userId: '1', userEmail: 'ann@acme.example', organizationId: 'org_1' }
    const made = await createOrganizationApiKey({ baseUrl: stage.url, platformKey }, data)
    assert.equal(made.apiKey, secret)
    assert.deepEqual(made, answer)
    assert.equal(JSON.stringify(made), JSON.stringify(answer))
    assert.equal({ ...made }.apiKey, secret)
    assert.ok(!inspect(made).includes(secret) && !inspect({ made }).includes(secret))
    assert.match(inspect(made), /apiKey: '\[secret\]',\s+keyId: 'key_1'/)

    stage.answer(
      json(409, { error: { code: 'organization_key_exists', message: `${platformKey} has one.` } }),
    )
    const error = await failure(createOrganizationApiKey({ baseUrl: stage.url, platformKey }, data))
    assert.ok(!shown(error).includes(platformKey))
  })

  await t.test('in an OAuth client, its tokens and its errors', async () => {
    const tokens = { accessToken: 'at-secret', refreshToken: 'rt-secret', scope: 'x', renewAt: 0 }
    const store = { load: async () => ({ ...tokens }), save: async () => {} }
    const issuer = stage.url
    const oauth = new OAuthClient({
      issuer,
      clientId: 'app_1',
      redirectUri: 'https://a.example/cb',
      store,
      maxRetries: 0,
    })
    const metadata = { issuer, authorization_endpoint: `${issuer}/a`, token_endpoint: `${issuer}/t` }
    stage.answer(
      json(200, metadata),
      json(400, { error: 'invalid_grant', error_description: 'rt-secret is old' }),
    )
    const error = await failure(Promise.resolve(oauth.accessToken()))
    assert.match(String(error), /AuthorizationNeededError: OAuth invalid_grant: \[secret\] is old/)
    assert.ok(!/[ar]t-secret/.test(shown(error) + shown(oauth)))
  })
})
