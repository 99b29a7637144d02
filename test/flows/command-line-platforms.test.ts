// Platforms, suspensions and people by command, while a server runs on the same database.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestDatabase } from '../support/database.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { makeHome, runCommand, runJson, type ServerProcess, startServer } from '../support/server-process.ts'

interface Shown {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly state: string
  readonly secret: string
  readonly scopes: readonly string[]
  readonly platform_id: string | null
  readonly external_id: string | null
}

const connect = (server: ServerProcess, secret: string, organizationId: string) =>
  server.api('/organizations/api-key', secret, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      userId: '1',
      userEmail: 'admin@acme.example',
      organizationId,
      organizationName: 'Acme',
    }),
  })

test('platforms, organizations and people are suspended, resumed, disabled and removed by command', async (t) => {
  const env = {
    DATABASE_URL: await createTestDatabase(t, { empty: true }),
    COOKIE_KEYS: 'k'.repeat(40),
  }
  const home = await makeHome(t)
  const server = await startServer(t, { home, env })
  const words = (command: string, more: string[]) => [...command.split(' '), ...more]
  const json = <T = Shown>(command: string, ...more: string[]) => runJson<T>(home, words(command, more), env)
  const text = async (command: string, ...more: string[]) => {
    const { code, stdout, stderr } = await runCommand(home, words(command, more), env)
    assert.equal(code, 0, stderr)
    return stdout.trimEnd()
  }
  const refusal = async (command: string, ...more: string[]) => {
    const { code, stdout, stderr } = await runCommand(home, words(command, more), env)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^[^\n]+\n$/)
    return stderr.trimEnd()
  }
  const statusOf = async (secret: string) => (await server.api('/me', secret)).status

  const flow = await json('platform create', '--name', 'Talent Flow')
  const provisioned = await connect(server, flow.secret, 'customer-1')
  assert.equal(provisioned.status, 201)
  const { apiKey } = (await provisioned.json()) as { apiKey: string }

  await t.test(
    'platform create shows the secret once, with all that apps may do unless told otherwise',
    async () => {
      assert.match(flow.secret, /^bz_platform_[0-9A-Za-z]{36}$/)
      assert.deepEqual(flow.scopes, ['read:bookings', 'read:customers', 'write:bookings'])
      const small = await json('platform create --name Small --scope read:bookings,keys:read')
      assert.deepEqual(small.scopes, ['keys:read', 'read:bookings'])
      const list = await text('platform list')
      assert.match(
        list,
        new RegExp(`^${flow.id} +Talent Flow +bz_platform_…${flow.secret.slice(-4)} +active$`, 'm'),
      )
      assert.ok(!list.includes(flow.secret.slice(12, -4)))
      assert.match(
        await refusal('platform create --name X --scope read:minds'),
        /^There is no scope "read:minds"\./,
      )
      assert.equal(await refusal('platform create', '--name', ' '), 'The name must have 1 to 100 characters.')
    },
  )

  await t.test('platform suspend and resume take the platform and its organizations along', async () => {
    assert.equal(
      await text(`platform suspend ${flow.id}`),
      `Suspended Talent Flow (${flow.id}). 1 organization stopped.`,
    )
    assert.equal(await statusOf(apiKey), 401)
    assert.equal((await connect(server, flow.secret, 'customer-2')).status, 401)
    const [acme] = (await json<Shown[]>('org list')).filter(({ slug }) => slug === 'acme')
    assert.deepEqual([acme?.state, acme?.platform_id, acme?.external_id], ['stopped', flow.id, 'customer-1'])
    assert.equal(await text(`platform suspend ${flow.id}`), `Talent Flow (${flow.id}) was suspended already.`)
    assert.equal((await json(`platform resume ${flow.id}`)).state, 'active')
    assert.equal(await statusOf(apiKey), 200)
    const unknown = `platform_${'0'.repeat(24)}`
    for (const command of [`suspend ${unknown}`, `rotate-key ${unknown}`, 'resume acme'])
      assert.equal(await refusal(`platform ${command}`), `There is no platform ${command.split(' ')[1]}.`)
  })

  await t.test('platform rotate-key gives a new key, and refuses the old one at once', async () => {
    const { secret } = await json(`platform rotate-key ${flow.id}`)
    assert.equal((await connect(server, flow.secret, 'customer-2')).status, 401)
    assert.equal((await connect(server, secret, 'customer-2')).status, 201)
    assert.equal(await statusOf(apiKey), 200, 'what it provisioned is not touched')
  })

  await t.test('org suspend and resume, by id or by slug; org list shows the state', async () => {
    const { id, state } = await json('org suspend acme')
    assert.equal(state, 'suspended')
    assert.equal(await statusOf(apiKey), 401)
    assert.match(await text('org list'), new RegExp(`^${id} +acme +suspended +Acme$`, 'm'))
    const key = await refusal('key create --org acme --mode test --scope read:bookings')
    assert.equal(key, 'The organization is suspended.')
    assert.equal(await text(`org suspend ${id}`), `Acme (${id}) was suspended already.`)
    await text(`platform suspend ${flow.id}`)
    const waits = `Acme (${id}) is resumed, but its platform is suspended: it waits for that.`
    assert.equal(await text(`org resume ${id}`), waits)
    assert.equal(await statusOf(apiKey), 401)
    await text(`platform resume ${flow.id}`)
    assert.equal(await statusOf(apiKey), 200)
    assert.equal(await text('org resume acme'), `Acme (${id}) is not suspended.`)
    assert.equal(await refusal('org suspend nowhere'), 'There is no organization "nowhere".')
  })

  await t.test('person disable, enable and remove', async () => {
    await text('person create ann@acme.example --org acme --role ADMIN --password', password)
    const signIn = async () => {
      const browser = new PersonBrowser(server.url)
      return (await browser.signIn(await browser.open('/sign-in'), 'ann@acme.example')).status
    }
    assert.equal(await signIn(), 200)
    assert.equal(await text('person disable ANN@acme.example'), 'ann@acme.example can not sign in any more.')
    assert.equal(await text('person disable ann@acme.example'), 'ann@acme.example was disabled already.')
    assert.equal(await signIn(), 422)
    assert.equal(await text('person enable ann@acme.example'), 'ann@acme.example can sign in again.')
    assert.equal(await signIn(), 200)

    assert.equal(
      await text('person remove ann@acme.example --org acme'),
      'ann@acme.example belongs to Acme no longer.',
    )
    const again = await refusal('person remove ann@acme.example --org acme')
    assert.equal(again, 'This person is no member of the organization.')
    const last = await refusal('person remove admin@acme.example --org acme')
    assert.match(last, /^This is the last administrator of the organization\./)
    assert.equal(await refusal('person disable no@acme.example'), 'There is nobody with no@acme.example.')
    assert.equal(await statusOf(apiKey), 200)
  })
})
