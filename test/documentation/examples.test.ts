// The documentation of every packaged profile: its examples run and are answered as it says, its errors are those of
// the server, and its limits too. A profile that is added is tested by being there.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadContract } from '../../src/core/contract.ts'
import { problemCodes } from '../../src/core/problems.ts'
import { appScopes, loadProfile } from '../../src/core/profile.ts'
import { documentedCodes, ofPages } from '../../src/documentation/advice.ts'
import { overviewPage } from '../../src/documentation/overview.ts'
import { easyPath, nobody, placeOf } from '../../src/documentation/subject.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { seedSample } from '../../src/sample/seed.ts'
import { allow } from '../support/authorization.ts'
import { type House, headerOf, startHouse } from '../support/house.ts'
import {
  assertAnswer,
  blocksOf,
  examplesOf,
  type Heard,
  readAnswer,
  runExample,
} from '../support/markdown-examples.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { createPartner } from '../support/platform.ts'

const folder = join(packageRoot, 'profiles')
const profiles = readdirSync(folder).filter((name) => name.endsWith('.json'))
const email = 'ann@acme.example'

for (const file of profiles) {
  const name = file.slice(0, -'.json'.length)
  test(`the documentation of ${name}`, async (t) => {
    const house = await startHouse(t, { profile: name })
    const { profile } = house
    const subject = { profile, contract: loadContract(profile, house.url), publicUrl: house.url }
    const organization = await house.organization('Acme')
    await house.person(email, organization)
    await seedSample(house.database.knex, profile, organization.id, house.now())
    const mode = profile.modes.at(-1) ?? 'live'
    const { secret } = await house.key(organization, mode, Object.keys(profile.scopes))
    const pages = await readIndex(house)

    await t.test('every page is found in llms.txt, as Markdown and as a web page', async () => {
      const paths = pages.map(({ path }) => path)
      assert.deepEqual(paths, [
        '/docs',
        '/docs/authentication',
        '/docs/errors',
        '/docs/limits',
        '/docs/reference',
      ])
      for (const { path, markdown } of pages) {
        assert.match(markdown, /^> Fetch the complete documentation index at: \S+\/llms\.txt\n/)
        assert.match(markdown, /\n# \S/, path)
        const page = await fetch(house.url + path)
        assert.equal(page.status, 200)
        const [, title = ''] = /<h1>(.*)<\/h1>/.exec(await page.text()) ?? []
        assert.ok(markdown.includes(`\n# ${title}\n`), `${path}: ${title}`)
        const slashed = await fetch(`${house.url}${path}/`, { redirect: 'manual' })
        assert.deepEqual([slashed.status, slashed.headers.get('location')], [301, path])
      }
    })

    await t.test('nothing is said of what the profile does not have', () => {
      const all = pages.map(({ markdown }) => markdown).join('\n')
      const says = (words: RegExp) => words.test(all)
      assert.equal(says(/OAuth|access token|client_id/i), profile.oauth.enabled)
      assert.equal(says(/^## Live and test$/m), profile.modes.length > 1)
      assert.equal(says(/\bmodes?\b/i), profile.modes.length > 1)
      assert.equal(says(/^## Scopes$/m), Object.keys(profile.scopes).length > 0)
      assert.equal(
        says(/platform key/i),
        subject.contract.operations.some((it) => it.credential === 'platform'),
      )
      for (const scope of Object.keys(profile.scopes)) assert.ok(all.includes(scope), scope)
    })

    await t.test('the OpenAPI document says how credentials come, for each operation', async () => {
      const response = await fetch(`${house.url}${profile.basePath}/openapi.json`)
      const document = (await response.json()) as Document
      const { securitySchemes } = document.components
      const { header } = profile.credentials
      const expected =
        header.toLowerCase() === 'authorization'
          ? { type: 'http', scheme: 'bearer' }
          : { type: 'apiKey', in: 'header', name: header }
      const { description, ...scheme } = securitySchemes['apiKey'] ?? {}
      assert.deepEqual(scheme, expected)
      assert.ok(String(description).includes(profile.credentials.prefixes.api_key.live))
      assert.equal('oauth' in securitySchemes, profile.oauth.enabled)
      const forApps = appScopes(profile)
      for (const operation of Object.values(document.paths).flatMap((item) => Object.values(item))) {
        if (!operation.operationId) continue
        const scopes = operation['x-required-scopes']
        const isForApps = profile.oauth.enabled && scopes.every((scope) => forApps.includes(scope))
        const expected =
          operation['x-credential'] === 'platform'
            ? [{ platformKey: [] }]
            : [{ apiKey: [] }, ...(isForApps ? [{ oauth: scopes }] : [])]
        assert.deepEqual(operation.security, expected, operation.operationId)
        for (const name of operation.security.flatMap(Object.keys)) assert.ok(name in securitySchemes, name)
      }
    })

    await t.test('every example runs, and is answered as the page says', async () => {
      const env: Record<string, string> = { API_KEY: secret }
      if (profile.oauth.enabled) {
        const app = await house.app(organization, { mode })
        Object.assign(env, { CLIENT_ID: app.clientId, REDIRECT_URI: app.redirectUris[0] })
      }
      let ran = 0
      for (const { path, markdown } of pages) {
        for (const example of examplesOf(markdown)) {
          for (const [, variable = ''] of example.text.matchAll(/(?:\$|process\.env\.)([A-Z_]{3,})/g))
            assert.ok(env[variable], `${path} uses ${variable}, which nothing has given yet`)
          const printed = await runExample(example, env)
          ran += 1
          const [, asked] = /^Open (\S+)$/m.exec(printed) ?? []
          if (asked) {
            const back = await allow(new PersonBrowser(house.url), { url: asked }, email)
            const [, verifier = ''] = /verifier: '([\w-]+)'/.exec(printed) ?? []
            Object.assign(env, { CODE: back.searchParams.get('code') ?? '', CODE_VERIFIER: verifier })
          }
          if (example.language === 'js') continue
          assert.ok(example.answer, `${path} shows no answer to: ${example.text}`)
          const heard = readAnswer(printed)
          assertAnswer(example.answer, heard)
          Object.assign(env, tokensOf(heard))
        }
      }
      assert.ok(ran >= (profile.oauth.enabled ? 9 : 4), `${ran} examples`)
    })

    const errors = pages.find(({ path }) => path === '/docs/errors')?.markdown ?? ''
    const documented = new Map(
      [...errors.matchAll(/^### (\d{3}) `+ ?(.+?) ?`+ \{#(\w+)\}$/gm)].map(
        ([, status, written, code = '']) => [code, { status: Number(status), written }],
      ),
    )
    const codeAt = placeOf(profile.envelope.problem, 'code')
    const assertDocumented = async (code: string, answer: Response) => {
      const body = await answer.text()
      const entry = documented.get(code)
      assert.ok(entry, `${code} is documented`)
      assert.equal(answer.status, entry.status, `${code}: ${body}`)
      if (codeAt !== null) assert.equal(valueAt(JSON.parse(body), codeAt), entry.written, body)
    }

    await t.test('every error that the server can answer has a cause, a cure and an anchor', async () => {
      assert.deepEqual([...documented.keys()].sort(), [...documentedCodes(profile, subject.contract)].sort())
      const repeatable = /"name":"Idempotency-Key"/.test(JSON.stringify(subject.contract.document))
      assert.equal(documented.has('idempotency_key_reused'), repeatable)
      const html = await (await fetch(`${house.url}/docs/errors`)).text()
      for (const code of documented.keys()) {
        const entry = errors.slice(errors.indexOf(`{#${code}}`))
        assert.match(entry, /^\{#\w+\}\n\n\*\*Cause\.\*\* \S.*\n\n\*\*Cure\.\*\* \S/, code)
        assert.ok(html.includes(`id="${code}"`), code)
      }
    })

    await t.test('the server answers errors as they are documented', async (t) => {
      const some = await someErrors(t, house, secret)
      const [live = 'live'] = profile.modes
      if (live !== mode) {
        const { secret: ofLive } = await house.key(organization, live, Object.keys(profile.scopes))
        some.set('wrong_mode', await house.api(await pathOfOne(house, secret), ofLive))
      }
      assert.ok(some.size >= 7, `${some.size} errors`)
      for (const [code, answer] of some) await assertDocumented(code, answer)
      const wrongForms = ['grant_type=password', 'grant_type=refresh_token&refresh_token=x', '']
      for (const form of profile.oauth.enabled ? wrongForms : []) {
        const { clientId } = await house.app(organization, { mode })
        const body = new URLSearchParams(`${form}&client_id=${clientId}`)
        const answer = await fetch(`${house.url}/oauth/token`, { method: 'POST', body })
        const { error } = (await answer.json()) as { error: string }
        assert.ok(errors.includes(`\n| \`${error}\` | `), error)
      }
    })

    await t.test('one request too many is answered as the limits say', async () => {
      const limits = pages.find(({ path }) => path === '/docs/limits')?.markdown ?? ''
      const block = blocksOf(limits).find(({ language }) => language === 'http')?.text ?? ''
      assert.match(block, /^HTTP\/1\.1 \d{3} /)
      const [rateClass] = Object.values(profile.rateClasses)
      const other = await house.organization('Busy')
      const key = await house.key(other, mode, Object.keys(profile.scopes))
      // An unknown path is of the first class, which the page speaks of.
      const ask = () => house.api('/no-such-thing', key.secret)
      const windows = [...(rateClass?.windows ?? [])].sort((a, b) => a.seconds - b.seconds)
      let tooMany: Response | undefined
      // On a machine that is slow a window may be over before it is full: then the next one is tried.
      for (let tries = 0; !tooMany && tries < 5; tries += 1) {
        const answers = await Promise.all(Array.from({ length: (windows[0]?.requests ?? 0) + 1 }, ask))
        tooMany = answers.find(({ headers }) => headers.has('Retry-After'))
      }
      assert.ok(tooMany, 'one was refused')
      await assertDocumented('rate_limit_exceeded', tooMany.clone())
      assertAnswer(block, await heardOf(tooMany))
      for (const { windows } of Object.values(profile.rateClasses))
        for (const { requests } of windows)
          assert.ok(limits.includes(String(requests)), `${requests} requests`)
    })
  })
}

test('no error of the API is left out where a profile has everything', () => {
  const profile = loadProfile('boothzen', folder)
  const contract = loadContract(profile, 'https://app.example.com')
  const expected = problemCodes.filter((code) => !ofPages.some((it) => it === code))
  assert.deepEqual(documentedCodes(profile, contract), expected)
})

test('what provisioning can answer is told where it is the only operation on keys', () => {
  const profile = loadProfile('boooply', folder)
  const codes = documentedCodes(profile, loadContract(profile, 'https://app.example.com'))
  for (const code of ['organization_key_exists', 'key_state_conflict', 'key_not_found'] as const)
    assert.ok(codes.includes(code), code)
})

test('where a thing stands in an answer is told as its envelope has it', () => {
  const written = (name: string) => {
    const profile = loadProfile(name, folder)
    const publicUrl = 'https://app.example.com'
    return overviewPage({ profile, contract: loadContract(profile, publicUrl), publicUrl }, nobody)
  }
  assert.match(written('boothzen'), /its thing as the whole body, and/)
  assert.match(written('boooply'), /its thing in the body itself, beside `success`, and/)
  assert.match(written('busyboard'), /its thing in `data`, and/)
})

test('the hosts beside PUBLIC_URL are told where the profile has them, and no others', () => {
  const profile = loadProfile('boothzen', folder)
  const written = (publicUrl: string) =>
    overviewPage({ profile, contract: loadContract(profile, publicUrl), publicUrl }, nobody)
  const page = written('https://app.example.com')
  for (const address of ['app.example.com/api/v1', 'api.example.com/v1', '{slug}.example.com/api/v1'])
    assert.ok(page.includes(`| \`https://${address}\` |`), address)
  assert.doesNotMatch(written('https://example.com'), /## Addresses/)
})

/** As much of an OpenAPI document as is looked at here. */
interface Document {
  readonly components: { readonly securitySchemes: Record<string, Record<string, unknown>> }
  readonly paths: Record<
    string,
    Record<
      string,
      {
        readonly operationId?: string
        readonly security: Record<string, string[]>[]
        readonly 'x-required-scopes': string[]
        readonly 'x-credential'?: string
      }
    >
  >
}

interface IndexedPage {
  readonly path: string
  readonly markdown: string
}

async function readIndex(house: House): Promise<IndexedPage[]> {
  const index = await fetch(`${house.url}/llms.txt`)
  assert.equal(index.status, 200)
  assert.equal(index.headers.get('content-type'), 'text/plain; charset=utf-8')
  const text = await index.text()
  assert.match(text, /^# .+\n\n> .+\n\n[^#]+\n\n## /, 'a title, a summary, sections')
  const links = [...text.matchAll(/^- \[[^\]]+\]\((\S+)\): \S/gm)].map(([, address = '']) => address)
  const openapi = links.filter((address) => address.endsWith('/openapi.json'))
  assert.deepEqual(openapi, [`${house.url}${house.profile.basePath}/openapi.json`])
  const pages: IndexedPage[] = []
  for (const address of links.filter((it) => it.endsWith('.md'))) {
    const response = await fetch(address)
    assert.equal(response.status, 200, address)
    assert.equal(response.headers.get('content-type'), 'text/markdown; charset=utf-8')
    pages.push({ path: new URL(address).pathname.slice(0, -'.md'.length), markdown: await response.text() })
  }
  return pages
}

/** Errors that one request is enough for, by our code. */
async function someErrors(t: TestContext, house: House, secret: string): Promise<Map<string, Response>> {
  const { profile } = house
  const contract = loadContract(profile, house.url)
  const easy = easyPath({ profile, contract, publicUrl: house.url })
  const json = { 'Content-Type': 'application/json' }
  const asked = new Map<string, Promise<Response>>([
    ['missing_credential', house.api(easy, null)],
    ['invalid_credential', house.api(easy, `${secret.slice(0, -1)}!`)],
    [
      'multiple_credentials',
      house.api(easy, null, {
        headers: { 'x-api-key': secret, Authorization: `Bearer ${secret}`, ...headerOf(profile, secret) },
      }),
    ],
    ['route_not_found', house.api('/no-such-thing', secret)],
    ['method_not_allowed', house.api(easy, secret, { method: 'PUT' })],
    ['wrong_credential_kind', house.api(easy, (await createPartner(house)).secret)],
  ])
  const [inQuery] = profile.credentials.refusedQueryParameters
  if (inQuery) asked.set('credential_in_query', house.api(`${easy}?${inQuery}=x`, null))
  const [sample] = Object.values(profile.sample.resources).map(({ operations }) => operations.read)
  const read = contract.operations.find(({ id }) => id === sample)
  if (read) asked.set('resource_not_found', house.api(read.path.replace(/\{.*?\}/g, 'x'), secret))
  const creates = Object.values(profile.sample.resources).map(({ operations }) => operations.create)
  const create = contract.operations.find(({ id }) => creates.includes(id))
  if (create) {
    const post = (body: string, headers: Record<string, string>) =>
      house.api(create.path, secret, { method: 'POST', body, headers })
    asked.set('malformed_json', post('{', json))
    asked.set('unsupported_content_type', post('{}', { 'Content-Type': 'text/plain' }))
    asked.set('invalid_parameter', post('[]', json))
  }
  const needy = contract.operations.find((it) => it.requiredScopes.length > 0 && it.credential === 'tenant')
  const other = needy && Object.keys(profile.scopes).find((scope) => !needy.requiredScopes.includes(scope))
  if (needy && other) {
    const [mode = 'live'] = profile.modes
    const poor = await house.key(await house.organization('Poor'), mode, [other])
    const path = needy.path.replace(/\{.*?\}/g, 'x')
    asked.set('insufficient_scope', house.api(path, poor.secret, { method: needy.method }))
  }
  t.diagnostic(`${asked.size} errors asked for`)
  return new Map(await Promise.all([...asked].map(async ([code, answer]) => [code, await answer] as const)))
}

/** Of a thing of the sample that this key may read. */
async function pathOfOne({ api, profile, url }: House, secret: string): Promise<string> {
  const { operations } = loadContract(profile, url)
  const pathOf = (wanted: string | undefined) => operations.find(({ id }) => id === wanted)?.path ?? ''
  const kind = Object.values(profile.sample.resources).find((it) => it.operations.list && it.operations.read)
  const listed: unknown = await (await api(pathOf(kind?.operations.list), secret)).json()
  const id = valueAt(listed, `${placeOf(profile.envelope.list, 'items')}.0.id`)
  assert.ok(id, JSON.stringify(listed))
  return pathOf(kind?.operations.read).replace(/\{.*?\}/, String(id))
}

function valueAt(body: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, field) => Object.entries(value ?? {}).find(([name]) => name === field)?.[1],
      body,
    )
}

async function heardOf(response: Response): Promise<Heard> {
  return { status: response.status, headers: new Map(response.headers), body: await response.text() }
}

/** What the next example needs of this answer. */
function tokensOf({ body }: Heard): Record<string, string> {
  const [, access] = /"access_token":"([^"]+)"/.exec(body) ?? []
  const [, refresh] = /"refresh_token":"([^"]+)"/.exec(body) ?? []
  return { ...(access && { ACCESS_TOKEN: access }), ...(refresh && { REFRESH_TOKEN: refresh }) }
}
