// What starting with a profile would break in a database that has been at work with another one, or an older one.
import { setTimeout as sleep } from 'node:timers/promises'
import { appScopes, type Profile } from '../core/profile.ts'
import { tailLength } from '../credentials/format.ts'
import { createShapeSet } from '../credentials/imported-shapes.ts'
import type { Db, Tx } from '../db/connect.ts'
import { minuteSeconds, secondMs } from '../lib/time.ts'
import {
  countHeld,
  type Depth,
  type Holders,
  type Holding,
  heldOthers,
  heldPrefixes,
  heldScopes,
  importedShapes,
  platformHoldings,
  reading,
  registeredAudiences,
  type Shares,
  sharesOf,
} from './impact-store.ts'

export type ImpactKind =
  | 'scope_lost'
  | 'scope_not_for_apps'
  | 'prefix_lost'
  | 'mode_lost'
  | 'oauth_off'
  | 'base_path_changed'
  /** Nothing is known to break: the database could not say. */
  | 'not_checked'

export interface Impact {
  readonly kind: ImpactKind
  readonly say: string
  /** The scope, prefix, mode or resource; '' where there is no such thing. */
  readonly value: string
  /** In a sample of the table where it is large: then there are more. */
  readonly holders: number
  readonly organizations: number
}

/** What the start of a server asks: answered within moments, however large the tables. */
export const atStart: Depth = { sampleAbove: 200_000, withinMs: secondMs, allWithinMs: secondMs }
/** What somebody waits for who wants to know it exactly. No statement may take longer than 15 s anyway (db/connect). */
export const exactly: Depth = {
  sampleAbove: null,
  withinMs: 14 * secondMs,
  allWithinMs: 2 * minuteSeconds * secondMs,
}

const names = {
  api_keys: ['API key', 'API keys'],
  oauth_apps: ['OAuth app', 'OAuth apps'],
  grants: ['authorization of an app', 'authorizations of apps'],
} as const satisfies Record<Holding, readonly [string, string]>

/** @param publicUrl the origin that the audience of access tokens begins with */
export async function impactOf(db: Db, profile: Profile, publicUrl: string, depth: Depth): Promise<Impact[]> {
  try {
    const read = reading(db, depth, async (tx) => {
      const shares = await sharesOf(tx, depth)
      return [
        ...(await lostScopes(tx, profile, shares)),
        ...(await lostPrefixes(tx, profile, shares)),
        ...(await lostModes(tx, profile, shares)),
        ...(await withoutOAuth(tx, profile, shares)),
        ...(await lostResources(tx, profile, publicUrl, shares)),
        ...(await platformLosses(tx, profile)),
      ]
    })
    return await inTime(read, depth.allWithinMs)
  } catch (thrown) {
    return [notChecked(thrown)]
  }
}

/** PostgreSQL gives up single statements; this gives up all of them together. */
async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  work.catch(() => {}) // what fails after we gave up is of no use to anybody
  const stop = new AbortController()
  const late = sleep(ms, null, { signal: stop.signal, ref: false }).then(() =>
    Promise.reject(new Error('timeout')),
  )
  late.catch(() => {}) // the same, when we are told to stop waiting
  try {
    return await Promise.race([work, late])
  } finally {
    stop.abort()
  }
}

// SQLSTATE query_canceled, undefined_table and undefined_column.
const tooLong = '57014'
const noSuchTable = ['42P01', '42703']

function notChecked(thrown: unknown): Impact {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
  const isTimeout = thrown instanceof Error && /timeout/i.test(thrown.message)
  const why =
    code === tooLong || isTimeout
      ? 'could not be checked in time'
      : noSuchTable.some((it) => it === code)
        ? 'could not be checked: it lacks migrations (npx latchkey migrate)'
        : `could not be checked: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  return {
    kind: 'not_checked',
    say: `What is in the database ${why}.`,
    value: '',
    holders: 0,
    organizations: 0,
  }
}

const counted = (count: number, [one, many]: readonly [string, string]) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`

/** "3 API keys of 2 organizations hold", or what is known of a sample. */
function holding(table: Holding, share: number, it: Holders, does: readonly [string, string]): string {
  const inSample =
    share < 100 ? ` (in a sample of ${share < 1 ? share.toFixed(2) : Math.round(share)} %)` : ''
  const verb = it.holders === 1 ? does[0] : does[1]
  // An app that registered itself belongs to none.
  const of =
    it.organizations === 0 ? '' : ` of ${counted(it.organizations, ['organization', 'organizations'])}`
  return `${counted(it.holders, names[table])}${of}${inSample} ${verb}`
}

const tables = ['api_keys', 'oauth_apps', 'grants'] as const
const hold = ['holds', 'hold'] as const

/** Where there are no scopes, a key that had some has everything: that is told as what it is. */
const lost = ({ scopes }: Profile) =>
  Object.keys(scopes).length > 0
    ? 'which the profile lacks: it would allow nothing any more.'
    : 'and the profile has no scopes: every key would hold everything of its organization.'

async function lostScopes(tx: Tx, profile: Profile, shares: Shares): Promise<Impact[]> {
  const known = { scopes: Object.keys(profile.scopes), isAmong: false }
  const forApps = new Set(appScopes(profile))
  const keysOnly = { scopes: known.scopes.filter((it) => !forApps.has(it)), isAmong: true }
  const found: Impact[] = []
  for (const table of tables) {
    const share = shares[table]
    for (const it of await heldScopes(tx, table, share, known)) {
      const say = `${holding(table, share, it, hold)} the scope "${it.value}", ${lost(profile)}`
      found.push({ kind: 'scope_lost', say, ...it })
    }
    if (table === 'api_keys') continue
    for (const it of await heldScopes(tx, table, share, keysOnly)) {
      const say = `${holding(table, share, it, hold)} the scope "${it.value}", which is for API keys alone in the profile.`
      found.push({ kind: 'scope_not_for_apps', say, ...it })
    }
  }
  return found
}

async function lostPrefixes(tx: Tx, profile: Profile, shares: Shares): Promise<Impact[]> {
  const imported = await importedShapes(tx)
  const shapes = createShapeSet(imported)
  const { live, test } = profile.credentials.prefixes.api_key
  const share = shares.api_keys
  const held = await heldPrefixes(tx, share, test === undefined ? [live] : [live, test])
  // What was imported is known by its shape; what was made here may look like that, and stays good then too.
  const found = held.filter(({ value, isImported }) =>
    isImported
      ? !imported.some(({ prefix }) => prefix === '' || prefix === value)
      : !shapes.matches(value + '0'.repeat(tailLength)),
  )
  return found.slice(0, mostShown).map(({ isImported: _, ...it }) => {
    const say = `${holding('api_keys', share, it, ['begins', 'begin'])} with "${it.value}", which is no prefix of the profile: they would be refused.`
    return { kind: 'prefix_lost', say: singular(say, it.holders), ...it }
  })
}

/** The prefixes that most keys begin with; more would hide the other losses. */
const mostShown = 20

/** "they would" of many is "it would" of one. */
const singular = (say: string, holders: number) =>
  holders === 1 ? say.replace('they would', 'it would') : say

async function lostModes(tx: Tx, profile: Profile, shares: Shares): Promise<Impact[]> {
  const found: Impact[] = []
  for (const table of tables) {
    for (const it of await heldOthers(tx, table, shares[table], 'mode', profile.modes)) {
      const say = `${holding(table, shares[table], it, ['is', 'are'])} of ${it.value} mode, which the profile does not have.`
      found.push({ kind: 'mode_lost', say, ...it })
    }
  }
  return found
}

async function withoutOAuth(tx: Tx, profile: Profile, shares: Shares): Promise<Impact[]> {
  if (profile.oauth.enabled) return []
  const found: Impact[] = []
  for (const table of ['oauth_apps', 'grants'] as const) {
    const it = await countHeld(tx, table, shares[table])
    if (it.holders === 0) continue
    const say = `${holding(table, shares[table], it, ['is', 'are'])} there, and the profile has no OAuth (oauth.enabled): they would stand still.`
    found.push({ kind: 'oauth_off', say: singular(say, it.holders), ...it })
  }
  return found
}

async function lostResources(tx: Tx, profile: Profile, publicUrl: string, shares: Shares): Promise<Impact[]> {
  const own = publicUrl + profile.basePath
  const known = [own, ...(await registeredAudiences(tx))]
  const found = await heldOthers(tx, 'grants', shares.grants, 'resource', known)
  return found.map((it) => {
    const say = `${holding('grants', shares.grants, it, ['is', 'are'])} for ${it.value}, and the API would be ${own}: they would be refused there.`
    return { kind: 'base_path_changed', say: singular(say, it.holders), ...it }
  })
}

async function platformLosses(tx: Tx, { credentials, scopes: known }: Profile): Promise<Impact[]> {
  const { prefixes, scopes } = await platformHoldings(tx)
  const names = ['platform key', 'platform keys'] as const
  const begins = prefixes
    .filter(({ value }) => value !== credentials.prefixes.platform_key)
    .map((it): Impact => {
      const verb = it.holders === 1 ? 'begins' : 'begin'
      const say = `${counted(it.holders, names)} ${verb} with "${it.value}", which is no prefix of the profile: they would be refused.`
      return { kind: 'prefix_lost', say: singular(say, it.holders), ...it }
    })
  const may = scopes
    .filter(({ value }) => !Object.hasOwn(known, value))
    .map((it): Impact => {
      const say = `${counted(it.holders, ['platform', 'platforms'])} may give the scope "${it.value}", which the profile lacks.`
      return { kind: 'scope_lost', say, ...it }
    })
  return [...begins, ...may]
}
