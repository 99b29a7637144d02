// Codes and refresh tokens of a Latchkey under test, made in advance: the rows that its own way to them would leave.
import { createHash, randomBytes } from 'node:crypto'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { loadProfile } from '../src/core/profile.ts'
import { createFormat } from '../src/credentials/format.ts'
import type { Db } from '../src/db/connect.ts'
import { migrate } from '../src/db/migrate.ts'
import { sha256 } from '../src/lib/digest.ts'
import type { Cleanup } from './cleanup.ts'

export interface Code {
  readonly code: string
  readonly verifier: string
}

export interface TokenStock {
  readonly clientId: string
  readonly redirectUri: string
  codes(count: number): Promise<Code[]>
  /** One of a family of its own each. */
  refreshTokens(count: number): Promise<string[]>
}

const clientId = `app_${'b'.repeat(24)}`
const redirectUri = 'https://app.bench.example/callback'
const scopes = ['read:bookings', 'write:bookings']

/** Fills the database with an app and its account. @param publicUrl of the server that will be asked */
export async function openTokenStock(
  env: NodeJS.ProcessEnv,
  publicUrl: string,
  { add }: Cleanup,
): Promise<TokenStock> {
  const config = loadConfig(env)
  const profile = loadProfile(config.profile, '')
  const opened = await openConfiguredDatabase(config, 'borrower')
  add(() => opened.close())
  await migrate(opened.address)
  const { knex } = opened.database
  await knex.raw(
    `with person as (insert into persons (id, email) values ('person_bench', 'bench@example.com')),
          organization as (insert into organizations (id, name, slug) values ('org_bench', 'Bench', 'bench') returning id)
     insert into oauth_apps (client_id, organization_id, mode, name, redirect_uris, scopes, refresh_grace_seconds,
       refresh_lifetime_seconds)
     select ?, id, 'live', 'Bench', ?, ?, 60, 2592000 from organization`,
    [clientId, [redirectUri], scopes],
  )
  const format = createFormat(profile.credentials.prefixes)
  const resource = publicUrl + profile.basePath
  const write = (kind: 'refresh_token' | 'authorization_code') => format.write(kind, 'live').reveal()
  return {
    clientId,
    redirectUri,
    codes: async (count) => {
      const codes = Array.from({ length: count }, () => ({
        code: write('authorization_code'),
        verifier: randomBytes(32).toString('base64url'),
      }))
      const grants = await insertGrants(knex, count, resource)
      await insertCodes(knex, codes, grants, resource)
      return codes
    },
    refreshTokens: async (count) => {
      const tokens = Array.from({ length: count }, () => write('refresh_token'))
      const grants = await insertGrants(knex, count, resource)
      await knex.raw(
        `insert into refresh_tokens (hash, grant_id, scopes, expires_at)
         select hash, grant_id, ?, now() + interval '30 days' from unnest(?::bytea[], ?::text[]) as made (hash, grant_id)`,
        [scopes, tokens.map(sha256), grants],
      )
      return tokens
    },
  }
}

async function insertGrants(knex: Db, count: number, resource: string): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `grant_${randomBytes(12).toString('hex')}`)
  await knex.raw(
    `insert into grants (id, client_id, person_id, organization_id, mode, scopes, resource, expires_at)
     select id, ?, 'person_bench', 'org_bench', 'live', ?, ?, now() + interval '30 days' from unnest(?::text[]) as id`,
    [clientId, scopes, resource, ids],
  )
  return ids
}

/** As the engine has them kept (AuthorizationCodeModel). */
async function insertCodes(knex: Db, codes: readonly Code[], grants: string[], resource: string) {
  const now = Math.floor(Date.now() / 1000)
  const payloads = codes.map(({ verifier }, index) => ({
    ...{ kind: 'AuthorizationCode', iat: now, exp: now + 3600, accountId: 'person_bench', clientId },
    ...{ grantId: grants[index], redirectUri, resource, scope: scopes.join(' ') },
    codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
    codeChallengeMethod: 'S256',
  }))
  await knex.raw(
    `insert into authorization_codes (hash, grant_id, payload, challenge_hash, expires_at)
     select hash, grant_id, payload::jsonb, challenge_hash, now() + interval '1 hour'
     from unnest(?::bytea[], ?::text[], ?::text[], ?::bytea[]) as made (hash, grant_id, payload, challenge_hash)`,
    [
      codes.map(({ code }) => sha256(code)),
      grants,
      payloads.map((payload) => JSON.stringify(payload)),
      payloads.map(({ codeChallenge }) => sha256(`${clientId} ${codeChallenge}`)),
    ],
  )
}
