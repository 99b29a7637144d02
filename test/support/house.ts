// The whole server in the test's own process: real routes, a real database, a clock that the test moves.
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { build } from '../../src/app.ts'
import type { App } from '../../src/apps/app.ts'
import { type NewApp, registerApp } from '../../src/apps/register-app.ts'
import { byServer } from '../../src/core/attribution.ts'
import { loadConfig } from '../../src/core/config.ts'
import { loadContract } from '../../src/core/contract.ts'
import type { PersonId } from '../../src/core/ids.ts'
import type { Mode } from '../../src/core/principal.ts'
import { appScopes, credentialHeader, loadProfile, type Profile } from '../../src/core/profile.ts'
import { createLog } from '../../src/core/telemetry.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { type Database, openDatabase } from '../../src/db/connect.ts'
import { underLock } from '../../src/db/lock.ts'
import { issueKey } from '../../src/keys/issue-key.ts'
import type { ApiKey } from '../../src/keys/key.ts'
import type { GuardedFetch } from '../../src/lib/guarded-fetch.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { Secret } from '../../src/lib/secret.ts'
import type { Mail, Mailer } from '../../src/mail/mailer.ts'
import { loadSigningKeys } from '../../src/oauth/signing-keys.ts'
import { createPerson } from '../../src/operators/create-person.ts'
import { hashPassword } from '../../src/operators/password.ts'
import { setPasswordHash } from '../../src/operators/person-store.ts'
import { createOrganization } from '../../src/organizations/create-organization.ts'
import { insertMembership, type Role } from '../../src/organizations/membership-store.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import { insertRows, type SampleRow } from '../../src/sample/sample-store.ts'
import { createTestDatabase, type Ending, queryDatabase } from './database.ts'
import { password } from './password.ts'
import { freePort } from './port.ts'

export interface House {
  readonly url: string
  readonly databaseUrl: string
  readonly database: Database
  /** A statement as the owner of the tables, who may do what the server may not. */
  readonly asOwner: <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>
  readonly profile: Profile
  /** Everything that was logged, a JSON line each. */
  readonly log: () => string
  /** What it has sent, the oldest first. */
  readonly mails: readonly Mail[]
  /** The server's time. */
  readonly now: () => Date
  /** Moves the server's clock (not PostgreSQL's). */
  readonly travel: (seconds: number) => void
  /** Has the server write what it knows in memory alone (when keys were last used) and seal the ledger. */
  readonly settle: () => Promise<void>
  organization(name: string): Promise<Organization>
  person(email: string, organization: Organization, role?: Role): Promise<PersonId>
  key(
    organization: Organization,
    mode: Mode,
    scopes: readonly string[],
    expiresAt?: Date,
  ): Promise<{ key: ApiKey; secret: string }>
  app(organization: Organization, some?: Partial<NewApp>): Promise<App>
  rows(organization: Organization, mode: Mode, kind: string, rows: readonly SampleRow[]): Promise<void>
  /** A request to the API with a credential, in the profile's header. */
  api(path: string, credential: string | null, init?: RequestInit): Promise<Response>
}

export interface HouseOptions {
  /** A packaged profile's name; boothzen without it. */
  readonly profile?: string
  readonly env?: Readonly<Record<string, string>>
  readonly change?: (profile: Profile) => Profile
  /** The database of another house, instead of one of its own. */
  readonly databaseUrl?: string
  /** By which way it listens, instead of that by which it asks. */
  readonly directUrl?: string
  /** Whether mails can be sent (and read, in `mails`). */
  readonly mailWay?: Mailer['way']
  /** In place of the one that keeps mails for the test. */
  readonly mailer?: Mailer
  /** How strangers' servers are asked; by default as on the internet. */
  readonly guardedFetch?: GuardedFetch
}

export async function startHouse(
  t: Ending,
  { env = {}, change = (it) => it, mailWay = 'smtp', mailer: other, ...options }: HouseOptions = {},
): Promise<House> {
  const databaseUrl = options.databaseUrl ?? (await createTestDatabase(t))
  const port = await freePort()
  const url = `http://localhost:${port}`
  const config = loadConfig({
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    COOKIE_KEYS: 'k'.repeat(40),
    ...(options.profile === undefined ? {} : { PROFILE: options.profile }),
    ...env,
  })
  const profile = change(loadProfile(config.profile, join(packageRoot, 'profiles')))
  const format = createFormat(profile.credentials.prefixes)
  const secret = new Secret(databaseUrl)
  const directUrl = options.directUrl === undefined ? secret : new Secret(options.directUrl)
  const database = openDatabase({ kind: 'url', url: secret, directUrl })
  let offset = 0
  const clock = () => new Date(Date.now() + offset)
  const lines: string[] = []
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  const cookieKeys = config.cookieKeys ?? []
  const { keys } = await underLock(database.knex, 'first start', (tx) => loadSigningKeys(tx, cookieKeys))
  const contract = loadContract(profile, config.publicUrl)
  const log = createLog('debug', destination)
  const mails: Mail[] = []
  const mailer: Mailer = other ?? {
    way: mailWay,
    send: async (mail) => {
      mails.push(mail)
      return true
    },
  }
  const parts = {
    config,
    profile,
    contract,
    format,
    database,
    log,
    clock,
    cookieKeys,
    signingKeys: keys,
    mailer,
  }
  const { guardedFetch } = options
  const app = build({ ...parts, isStopping: () => false, ...(guardedFetch ? { guardedFetch } : {}) })
  const { server } = app
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  t.after(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await app.close()
    await database.close()
  })

  const db = database.knex
  return {
    url,
    databaseUrl,
    database,
    asOwner: (sql, values) => queryDatabase(databaseUrl, sql, values),
    profile,
    log: () => lines.join(''),
    now: clock,
    travel: (seconds) => {
      offset += seconds * 1000
    },
    settle: app.settle,
    mails,
    organization: (name) =>
      createOrganization(db, { name, slug: name.toLowerCase().replace(/[^a-z0-9]+/g, '-'), by: byServer }),
    person: async (email, organization, role = 'ADMIN') => {
      const person = await createPerson(db, { email, name: null, by: byServer })
      await setPasswordHash(db, person.id, await hashPassword(password))
      await insertMembership(db, organization.id, person.id, role)
      return person.id
    },
    key: async (organization, mode, scopes, expiresAt) => {
      const wanted = {
        organization: organization.id,
        mode,
        name: 'key',
        scopes,
        expiresAt: expiresAt ?? null,
        allowedAddresses: null,
        by: byServer,
      }
      const { key, secret } = await issueKey(db, format, wanted, clock())
      return { key, secret: secret.reveal() }
    },
    app: (organization, some = {}) =>
      registerApp(
        db,
        {
          organization: organization.id,
          mode: 'test',
          name: 'Calendar Sync',
          redirectUris: ['http://127.0.0.1/callback'],
          scopes: appScopes(profile),
          refreshGraceSeconds: 60,
          refreshLifetimeSeconds: 86_400,
          by: byServer,
          ...some,
        },
        clock(),
      ),
    rows: (organization, mode, kind, rows) =>
      insertRows(db, { organization: organization.id, mode }, kind, rows),
    api: async (path, credential, init = {}) => {
      // Tests change the database past the server, as another process does, of which it hears within milliseconds.
      // What it does itself must need no waiting: test/flows/ended-by-request.test.ts asks without.
      await app.hear()
      return fetch(`${url}${profile.basePath}${path}`, {
        ...init,
        headers: {
          ...(credential === null ? {} : headerOf(profile, credential)),
          ...init.headers,
        },
      })
    },
  }
}

/** The header that carries a credential. */
export function headerOf(profile: Profile, credential: string): Record<string, string> {
  const [name = '', ...value] = credentialHeader(profile, credential).split(': ')
  return { [name]: value.join(': ') }
}
