// latchkey key: API keys.
import type { Command } from 'commander'
import { isKeyId, type KeyId, type OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import {
  activateKey,
  deactivateKey,
  deleteKey,
  type KeyChangeRequest,
  revokeKey,
} from '../keys/change-key.ts'
import { issueKey } from '../keys/issue-key.ts'
import { type ApiKey, type KeyListing, keyState } from '../keys/key.ts'
import { findKeyOwner, findListing, listKeys } from '../keys/key-store.ts'
import { longestKeyLifeSeconds, readAllowedAddresses, readKeyMode, readKeyName } from '../keys/new-key.ts'
import { endOverlap, longestOverlapSeconds, rotateKey } from '../keys/rotate-key.ts'
import { addSeconds, systemClock } from '../lib/time.ts'
import {
  checkScopes,
  collect,
  collectScopes,
  organizationOf,
  readDurationWithin,
  readMode,
  requireSoleMode,
} from './options.ts'
import { answer, by, found, type Session, table, withDatabase } from './session.ts'

const listLimit = 1000

const show = (key: ApiKey) => ({
  id: key.id,
  organization_id: key.organization,
  name: key.name,
  mode: key.mode,
  scopes: key.scopes,
  prefix: key.prefix,
  last_four: key.lastFour,
  allowed_addresses: key.allowedAddresses,
  created_at: key.createdAt,
  created_by: key.createdBy,
  expires_at: key.expiresAt,
  retires_at: key.retiresAt,
  rotated_from: key.rotatedFrom,
  state: keyState(key, systemClock()),
})

const showListing = ({ key, creator, lastUse }: KeyListing) => ({
  ...show(key),
  creator,
  last_used_at: lastUse?.at ?? null,
  last_used_from: lastUse?.address ?? null,
  last_used_by: lastUse?.client ?? null,
  last_used_for: lastUse?.operation ?? null,
})

interface CreateOptions {
  readonly org: string
  readonly mode?: Mode
  readonly scope?: string[]
  readonly name: string
  readonly expiresIn?: number
  readonly allow?: string[]
}

export function keyCommands(program: Command): void {
  const key = program.command('key').description('API keys')

  key
    .command('create')
    .description('create a key; its secret is shown this once')
    .requiredOption('--org <id or slug>', 'whose key it is')
    .option('--mode <mode>', 'live or test; may be left out where there is one mode alone', readMode)
    .option('--scope <scope>', 'what it may do; may be given more than once', collectScopes)
    .option('--name <name>', 'what it is for', 'API key')
    .option(
      '--expires-in <duration>',
      'seconds, or such as 90d; without it the key does not expire',
      readDurationWithin(1, longestKeyLifeSeconds),
    )
    .option(
      '--allow <network>',
      'where it may be used from, as 192.0.2.7 or 192.0.2.0/24; may be given more than once (default: anywhere)',
      collect,
    )
    .action(async (options: CreateOptions, command: Command) => {
      const { key: made, secret } = await withDatabase(async ({ opened, profile, format }) => {
        const { knex } = opened.database
        const now = systemClock()
        const wanted = {
          organization: (await organizationOf(knex, options.org)).id,
          mode: readKeyMode(profile, options.mode ?? requireSoleMode(profile)),
          name: readKeyName(options.name),
          scopes: checkScopes(profile, scopesOf(options, profile, command)),
          expiresAt: options.expiresIn === undefined ? null : addSeconds(now, options.expiresIn),
          allowedAddresses: readAllowedAddresses(options.allow ?? []),
          by,
        }
        return issueKey(knex, format, wanted, now)
      })
      const head = [made.id, made.mode, made.scopes.join(' ')].filter(Boolean).join('  ')
      const text = `${head}\n\n  ${secret.reveal()}\n\nKeep it: it is not shown again.`
      answer(command, { ...show(made), secret: secret.reveal() }, text)
    })

  key
    .command('list')
    .description('list keys, the newest first')
    .requiredOption('--org <id or slug>', 'whose keys')
    .option('--search <text>', 'an id, the last four characters, or a part of the name')
    .action(async ({ org, search }: { org: string; search?: string }, command: Command) => {
      const keys = await withDatabase(async ({ opened: { database } }) => {
        const organization = (await organizationOf(database.knex, org)).id
        const query = { organization, mode: 'any', after: null, limit: listLimit } as const
        return listKeys(database.knex, search === undefined ? query : { ...query, search })
      })
      const rows = keys.map(({ key: it, lastUse }) => [
        it.id,
        it.name,
        `${it.prefix}…${it.lastFour}`,
        it.mode,
        keyState(it, systemClock()),
        lastUse?.at.toISOString().slice(0, 16).replace('T', ' ') ?? 'never',
        it.scopes.join(' '),
      ])
      const head = ['ID', 'NAME', 'KEY', 'MODE', 'STATE', 'LAST USED', 'SCOPES']
      answer(command, keys.map(showListing), table([head, ...rows], 'There are no keys.'))
    })

  key
    .command('show')
    .argument('<id>', 'the key')
    .description('show what is known of a key')
    .action(async (id: string, _options: object, command: Command) => {
      const listing = await withDatabase(({ opened: { database } }) =>
        onKey(database.knex, id, (reach, keyId) => findListing(database.knex, reach, keyId)),
      )
      const shown = showListing(found(listing, noKey(id)))
      const text = Object.entries(shown).map(([name, value]) => `${name.padEnd(20)}${textOf(value)}`)
      answer(command, shown, text.join('\n'))
    })

  key
    .command('rotate')
    .argument('<id>', 'the key')
    .description('put a new key in its place; the new secret is shown this once')
    .option(
      '--overlap <duration>',
      'how long the old key still works: seconds, or such as 24h, at most 7d',
      readDurationWithin(0, longestOverlapSeconds),
      0,
    )
    .action(async (id: string, { overlap }: { overlap: number }, command: Command) => {
      const rotated = await withDatabase(({ opened: { database }, format }) =>
        onKey(database.knex, id, (reach, keyId) =>
          rotateKey(database.knex, format, { reach, id: keyId, by, now: systemClock() }, overlap),
        ),
      )
      const { key: made, old, secret } = rotated
      const until = overlap === 0 ? 'is refused from now on' : `works until ${old.retiresAt?.toISOString()}`
      const text = `${made.id} takes the place of ${old.id}, which ${until}.\n\n  ${secret.reveal()}\n\nKeep it: it is not shown again.`
      answer(command, { ...show(made), secret: secret.reveal(), old: show(old) }, text)
    })

  const addChange = (
    name: string,
    description: string,
    done: string,
    change: (db: Db, request: KeyChangeRequest) => Promise<ApiKey>,
  ) =>
    key
      .command(name)
      .argument('<id>', 'the key')
      .description(description)
      .action(async (id: string, _options: object, command: Command) => {
        const changed = await withDatabase(({ opened: { database } }: Session) =>
          onKey(database.knex, id, (reach, keyId) =>
            change(database.knex, { reach, id: keyId, by, now: systemClock() }),
          ),
        )
        answer(command, show(changed), `${done} ${changed.id} (${changed.name}).`)
      })

  addChange('end-overlap', 'end the overlap of a rotated key now: it is refused', 'Ended', endOverlap)
  addChange('revoke', 'revoke a key: it is refused from now on', 'Revoked', revokeKey)
  addChange('deactivate', 'take a key out of use until it is activated', 'Deactivated', deactivateKey)
  addChange('activate', 'put a deactivated key back to use', 'Activated', activateKey)
  addChange('delete', 'delete a key; the ledger keeps what was done with it', 'Deleted', deleteKey)
}

/** Needed wherever there are scopes: a key without any could do nothing. */
function scopesOf({ scope }: CreateOptions, profile: Profile, command: Command): readonly string[] {
  if (!scope && Object.keys(profile.scopes).length > 0)
    command.error("error: required option '--scope <scope>' not specified")
  return scope ?? []
}

const noKey = (id: string) => `There is no key ${id}.`
const textOf = (value: unknown) =>
  value instanceof Date ? value.toISOString() : Array.isArray(value) ? value.join(' ') : String(value ?? '-')

/** Commands reach every organization: whose key it is, the key says. @throws Problem resource_not_found */
async function onKey<T>(
  db: Db,
  id: string,
  work: (reach: { organization: OrganizationId; mode: 'any' }, id: KeyId) => Promise<T>,
): Promise<T> {
  const key = found(isKeyId(id) ? id : null, noKey(id))
  const organization = found(await findKeyOwner(db, key), noKey(id))
  return work({ organization, mode: 'any' }, key)
}
