// One house for all tests of a file, with an administrator who is signed in. No promises of its own.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { revokeKey } from '../../src/keys/change-key.ts'
import type { ApiKey } from '../../src/keys/key.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import { seedSample } from '../../src/sample/seed.ts'
import { type House, startHouse } from './house.ts'
import { call } from './management.ts'
import { type Page, PersonBrowser } from './person-browser.ts'
import { type Result, runCommand } from './server-process.ts'

export const keysPath = '/admin/settings/api-keys'
const email = 'ann@acme.example'

export interface SharedHouse {
  readonly house: House
  /** With the sample's rows. */
  readonly acme: Organization
  /** Signed in as an administrator of acme. */
  readonly browser: PersonBrowser
}

/** Opens before the file's first test, and closes after its last. */
export function shareHouse(profile: string): () => SharedHouse {
  let shared: SharedHouse | null = null
  const ends: (() => Promise<void>)[] = []
  before(async () => {
    // startHouse takes what it needs of a test: to be told when it is over.
    const t = { after: (end: () => Promise<void>) => ends.unshift(end) }
    const house = await startHouse(t as unknown as Parameters<typeof startHouse>[0], { profile })
    const acme = await house.organization('Acme')
    await seedSample(house.database.knex, house.profile, acme.id, house.now())
    await house.person(email, acme)
    shared = { house, acme, browser: await signedIn(house) }
  })
  after(async () => {
    for (const end of ends) await end()
  })
  return () => {
    assert.ok(shared, 'no test has begun')
    return shared
  }
}

/** The administrator at another browser: after a long time, the sessions are over. */
export async function signedIn(house: House): Promise<PersonBrowser> {
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  return browser
}

/** What the page that shows a new key has in its field; undefined on any other page. */
export const shownSecret = (page: Page) => /id="secret" readonly value="(\w+)"/.exec(page.html)?.[1]

/** Makes a key by the form of the console, and ends on the page that shows it. */
export async function createKeyByForm(
  browser: PersonBrowser,
  fields: Readonly<Record<string, string>>,
): Promise<string> {
  const form = await browser.open(`${keysPath}/new`)
  assert.match(form.html, /value="never" selected/, 'keys do not expire unless somebody wants it')
  const page = await browser.submit(form, {
    mode: 'live',
    lifetime: 'never',
    addresses: '',
    ...fields,
  })
  const secret = shownSecret(page)
  assert.ok(secret, page.html)
  return secret
}

/** The id of a key, as it says itself. */
export async function keyIdOf(house: House, secret: string): Promise<string> {
  const { status, answer } = await call(house, secret, 'GET /me')
  assert.equal(status, 200)
  return String((answer['data'] as { key_id: unknown }).key_id)
}

/** Ends or changes a key by its pages: those that ask first, and those with a button alone. */
export async function changeKeyByForm(browser: PersonBrowser, id: string, verb: string): Promise<Page> {
  const asks = verb !== 'activate'
  const page = await browser.open(`${keysPath}/${id}${asks ? `/${verb}` : ''}`)
  const done = await browser.submit(page, {}, `${keysPath}/${id}/${verb}`)
  assert.equal(done.status, 200, done.html)
  return done
}

export async function revoke({ database, now }: House, { id, organization }: ApiKey): Promise<void> {
  const reach = { organization, mode: 'any' } as const
  await revokeKey(database.knex, { reach, id, by: byServer, now: now() })
}

/** A command on the house's database. */
export function command({ databaseUrl, profile }: House, line: string): Promise<Result> {
  return runCommand(packageRoot, line.split(' '), { DATABASE_URL: databaseUrl, PROFILE: profile.name })
}

/** The JSON that a command prints. */
export async function commandJson<T>(house: House, line: string): Promise<T> {
  const { code, stdout, stderr } = await command(house, `${line} --json`)
  assert.equal(code, 0, `latchkey ${line}: ${stderr}`)
  return JSON.parse(stdout) as T // its fields are asserted by whoever uses them
}
