import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { isClientId } from '../../src/core/ids.ts'
import { authorizationUrl, obtainTokens } from '../support/authorization.ts'
import { createTestDatabase } from '../support/database.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import {
  assertNoDatabase,
  makeHome,
  type Result,
  runCommand,
  startServer,
  type Variables,
} from '../support/server-process.ts'

interface CommandLine {
  /** The one JSON value of a command that succeeds. `more` is for words with spaces in them. */
  json<T>(command: string, ...more: string[]): Promise<T>
  /** What a command prints for people. */
  text(command: string, ...more: string[]): Promise<string>
  /** The sentence with which a command refuses: alone, on standard error. */
  refusal(command: string, ...more: string[]): Promise<string>
}

function commandLine(home: string, env: Variables): CommandLine {
  const run = (command: string, more: string[]): Promise<Result> =>
    runCommand(home, [...command.split(' '), ...more], env)
  const succeed = async (command: string, more: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(command, more)
    assert.equal(code, 0, `latchkey ${command}: ${stderr}`)
    assert.equal(stderr, '')
    return stdout
  }
  return {
    json: async <T>(command: string, ...more: string[]) =>
      JSON.parse(await succeed(`${command} --json`, more)) as T,
    text: (command, ...more) => succeed(command, more),
    refusal: async (command, ...more) => {
      const { code, stdout, stderr } = await run(`${command} --json`, more)
      assert.equal(code, 1, `exit code ${code} of latchkey ${command}`)
      assert.equal(stdout, '')
      assert.match(stderr, /^[^\n]+\n$/)
      return stderr.trimEnd()
    },
  }
}

interface Shown {
  readonly id: string
  readonly slug: string
  readonly secret: string
  readonly state: string
  readonly client_id: string
  readonly scopes: readonly string[]
  readonly set_up_link: string
  readonly link: string
  readonly mailed: boolean
  readonly email: string
  readonly role: string
}

test('commands work on the embedded database while the server runs on it, and when it does not', async (t) => {
  const home = await makeHome(t)
  const server = await startServer(t, { home })
  const { json, text, refusal } = commandLine(home, { DATA_DIR: join(home, 'data'), PUBLIC_URL: server.url })
  const signIn = async (email: string) => {
    const browser = new PersonBrowser(server.url)
    return browser.signIn(await browser.open('/sign-in'), email)
  }

  await t.test(
    'org create makes an organization under a name of its own, and org list shows it',
    async () => {
      const made = await json<Shown>('org create', '--name', 'Café Zwölf')
      assert.equal(made.slug, 'cafe-zwolf')
      const refused = await refusal('org create --name Other --slug cafe-zwolf')
      assert.equal(refused, 'The slug "cafe-zwolf" is taken.')
      const slugs = (await json<Shown[]>('org list')).map(({ slug }) => slug)
      assert.deepEqual(slugs, ['harbour-booths', 'cafe-zwolf'])
    },
  )

  await t.test(
    'person create answers with a one-time link, or takes a password; an address once',
    async () => {
      const made = await json<Shown>('person create ann@example.com')
      const page = await new PersonBrowser(server.url).open(made.set_up_link)
      assert.match(page.html, /ann@example\.com/)

      const create = 'person create bea@example.com --org cafe-zwolf --role ADMIN --password'
      assert.equal(await text(create, password), 'bea@example.com can sign in.\n')
      assert.match((await signIn('bea@example.com')).html, /Café Zwölf/)

      const refused = await refusal('person create BEA@example.com')
      assert.equal(refused, 'There is a person with BEA@example.com already.')
      const short = await refusal('person create cy@example.com --password short')
      assert.equal(short, '--password: Use at least 8 characters.')
    },
  )

  await t.test('person invite answers with a one-time link, and person list shows who has come', async () => {
    const asked = 'person invite dan@example.com --org cafe-zwolf --role MEMBER'
    const older = await json<Shown>(asked)
    const made = await json<Shown>(asked)
    assert.deepEqual([made.id, made.mailed], [older.id, false], 'an address has one open invitation')
    assert.equal((await new PersonBrowser(server.url).open(older.link)).status, 410)
    const guest = new PersonBrowser(server.url)
    const page = await guest.open(made.link)
    assert.match(page.html, /You are invited to this account/)
    await guest.submit(page, { name: 'Dan', password, password_again: password })
    assert.match((await guest.open('/admin')).html, /Café Zwölf/)

    const listed = await json<Shown[]>('person list --org cafe-zwolf')
    assert.deepEqual(
      listed.map(({ email, role }) => [email, role]),
      [
        ['bea@example.com', 'ADMIN'],
        ['dan@example.com', 'MEMBER'],
      ],
    )
    assert.match(await text('person list --org cafe-zwolf'), /^person_\w+ +dan@example\.com +Dan +MEMBER/m)
    assert.equal(await refusal(asked), 'dan@example.com is a member already.')
    const nobody = await refusal('person invite nobody --org cafe-zwolf --role MEMBER')
    assert.equal(nobody, 'Enter an email address, such as name@example.com.')
    const nowhere = await refusal('person invite eve@example.com --org nowhere --role MEMBER')
    assert.equal(nowhere, 'There is no organization "nowhere".')
    const told = await text('person invite eve@example.com --org cafe-zwolf --role ADMIN')
    assert.match(told, /^No mail was sent: pass this link on\. It works once, until .* UTC:\nhttp\S+\n$/)
  })

  await t.test('a key works as soon as it is made, is shown once, and is refused once revoked', async () => {
    const create = 'key create --org cafe-zwolf --mode live --scope read:bookings --name Till'
    const { id, secret } = await json<Shown>(`${create} --expires-in 90d`)
    assert.match(secret, /^bz_live_\w{36}$/)
    assert.equal((await server.api('/bookings', secret)).status, 200)

    const list = await text('key list --org cafe-zwolf')
    const shown = `bz_live_…${secret.slice(-4)}`
    assert.match(
      list,
      new RegExp(`^${id} +Till +${shown} +live +active +(never|20[-0-9]+ [0-9:]+) +read:bookings$`, 'm'),
    )
    const listed = await json<Shown[]>('key list --org cafe-zwolf')
    assert.deepEqual(
      listed.map((key) => [key.id, key.state]),
      [[id, 'active']],
    )
    const hidden = secret.slice('bz_live_'.length, -4)
    assert.ok(!list.includes(hidden) && !JSON.stringify(listed).includes(hidden))

    assert.equal((await json<Shown>(`key revoke ${id}`)).state, 'revoked')
    assert.equal((await server.api('/bookings', secret)).status, 401)
    const unknown = `key_${'0'.repeat(24)}`
    assert.equal(await refusal(`key revoke ${unknown}`), `There is no key ${unknown}.`)
  })

  await t.test('a key is made for an organization and scopes that exist', async () => {
    const nowhere = await refusal('key create --mode test --org nowhere --scope read:bookings')
    assert.equal(nowhere, 'There is no organization "nowhere".')
    const scope = await refusal('key create --mode test --org cafe-zwolf --scope read:minds')
    assert.match(scope, /^There is no scope "read:minds"\. There are: read:bookings, /)
  })

  await t.test(
    'an app works as soon as it is made, its grant is listed, and deleting it ends both',
    async () => {
      const create = 'app create --org cafe-zwolf --name Sync --mode test --redirect-uri'
      const { client_id: clientId } = await json<Shown>(`${create} http://127.0.0.1/callback`)
      assert.ok(isClientId(clientId))
      const careful = '--refresh-idle 30d --refresh-lifetime 90d --on-reuse refuse --dpop'
      const other = await json<Shown & Record<string, unknown>>(
        `${create} http://127.0.0.1/callback ${careful}`,
      )
      assert.deepEqual(
        ['refresh_idle_seconds', 'refresh_lifetime_seconds', 'reuse_response'].map((name) => other[name]),
        [30 * 86_400, 90 * 86_400, 'refuse'],
      )
      assert.equal(other['dpop_bound_access_tokens'], true)
      await json(`app delete ${other.client_id}`)
      const listed = await json<Shown[]>('app list --org cafe-zwolf')
      assert.deepEqual(
        listed.map((app) => app.client_id),
        [clientId],
      )
      const refused = await refusal(`${create} http://example.com/callback`)
      assert.match(refused, /^http:\/\/example\.com\/callback: Plain http is for this computer only/)

      const tokens = await obtainTokens(server.url, { clientId }, 'bea@example.com', 'read:bookings')
      const grants = await json<Shown[]>('grant list --person bea@example.com')
      assert.deepEqual(
        grants.map((grant) => [grant.client_id, grant.scopes]),
        [[clientId, ['read:bookings']]],
      )

      await json(`app delete ${clientId}`)
      assert.equal((await server.api('/bookings', tokens.access_token)).status, 401)
      const { url } = authorizationUrl(server.url, clientId, 'read:bookings')
      assert.equal((await fetch(url, { redirect: 'manual' })).status, 400)
      assert.equal(await text('grant list'), 'There are no grants.\n')
      assert.equal(await refusal(`app delete ${clientId}`), `There is no app ${clientId}.`)
    },
  )

  await t.test('person reset-password gives a link for a new password, which ends the old one', async () => {
    const older = await json<Shown>('person reset-password bea@example.com')
    const { set_up_link: link } = await json<Shown>('person reset-password bea@example.com')
    assert.equal((await fetch(older.set_up_link)).status, 410, 'only the newest link is good')
    assert.notEqual((await signIn('bea@example.com')).status, 422)
    const browser = new PersonBrowser(server.url)
    const fields = { password: 'another long password', password_again: 'another long password' }
    const page = await browser.submit(await browser.open(link), fields)
    assert.equal(new URL(page.url).pathname, '/admin/settings/api-keys')
    assert.equal((await signIn('bea@example.com')).status, 422)
    const refused = await refusal('person reset-password no@example.com')
    assert.equal(refused, 'There is nobody with no@example.com.')
    for (const name of ['x\u202Ey', 'x'.repeat(101)])
      assert.match(await refusal('person create odd@example.com --name', name), /^The name (has|may)/)
  })

  await t.test(
    'when the server does not run a command starts the database for itself, and ends it',
    async () => {
      await server.stop()
      const slugs = (await json<Shown[]>('org list')).map(({ slug }) => slug)
      assert.deepEqual(slugs, ['harbour-booths', 'cafe-zwolf'])
      await assertNoDatabase(home)
    },
  )
})

test('a command may be the first to use a data directory', async (t) => {
  const home = await makeHome(t)
  const { slug } = await commandLine(home, { DATA_DIR: join(home, 'data') }).json<Shown>(
    'org create --name Acme',
  )
  assert.equal(slug, 'acme')
  await assertNoDatabase(home)
})

test('a database of DATABASE_URL is migrated by migrate or a server, and not by another command', async (t) => {
  const databaseUrl = await createTestDatabase(t, { empty: true })
  const { json, refusal } = commandLine(await makeHome(t), { DATABASE_URL: databaseUrl })
  const refused = await refusal('org list')
  assert.equal(refused, 'The database lacks migrations. Run: npx latchkey migrate')
  assert.ok((await json<{ applied: string[] }>('migrate')).applied.length > 0)
  assert.equal((await json<{ migrations_at_head: boolean }>('doctor')).migrations_at_head, true)
})
