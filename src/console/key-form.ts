// The form by which a key is made: what it offers, and what was sent read into a new key.
import type { Mode } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import { type Profile, soleMode } from '../core/profile.ts'
import { keyLifetimes } from '../core/profile-schema.ts'
import { levelsIn, scopeGrid } from '../core/scope-grid.ts'
import type { KeyLimits } from '../keys/key-limits.ts'
import { readAllowedAddresses, readKeyName, readKeyScopes } from '../keys/new-key.ts'
import { addSeconds, daySeconds } from '../lib/time.ts'

/** What a person has typed so far. */
export interface TypedKey {
  readonly name: string
  readonly mode: string
  /** Level by resource. */
  readonly levels: Readonly<Record<string, string>>
  readonly lifetime: string
  readonly addresses: string
}

export interface ReadKey {
  readonly name: string
  readonly mode: Mode
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
  readonly allowedAddresses: readonly string[] | null
}

/** An empty form: nothing is given that was not chosen, and test mode comes first where there is one. */
export function emptyKeyForm(profile: Profile, limits: KeyLimits): TypedKey {
  const levels = levelsIn(scopeGrid(profile, limits.scopes), new Set())
  return {
    name: '',
    mode: soleMode(profile) ?? 'test',
    levels,
    lifetime: profile.console.keyLifetime,
    addresses: '',
  }
}

/** The fields as they were typed, to be shown again. */
export function typedKey(profile: Profile, limits: KeyLimits, form: URLSearchParams): TypedKey {
  const grid = scopeGrid(profile, limits.scopes)
  return {
    name: form.get('name') ?? '',
    mode: soleMode(profile) ?? form.get('mode') ?? '',
    levels: Object.fromEntries(
      grid.map(({ resource }) => [resource, form.get(`scope:${resource}`) ?? 'none']),
    ),
    lifetime: form.get('lifetime') ?? '',
    addresses: form.get('addresses') ?? '',
  }
}

/** @throws Problem invalid_parameter, whose `param` is the field's id on the page */
export function readKeyForm(profile: Profile, limits: KeyLimits, typed: TypedKey, now: Date): ReadKey {
  const name = readKeyName(typed.name)
  const mode = limits.modes.find((it) => it === typed.mode)
  if (!mode) throw wrong('mode', 'Choose whether the key is for test data or for live data.')
  const grid = scopeGrid(profile, limits.scopes)
  const scopes = grid.flatMap(({ resource, levels }) => {
    const level = levels.find((it) => it.level === typed.levels[resource])
    if (!level) throw wrong('scopes', 'Choose one of the offered levels for each resource.')
    return level.scopes
  })
  return {
    name,
    mode,
    scopes: readKeyScopes(profile, scopes),
    expiresAt: readLifetime(typed.lifetime, now),
    allowedAddresses: readAllowedAddresses(typed.addresses.split(/[\s,]+/).filter(Boolean), 'addresses'),
  }
}

function readLifetime(text: string, now: Date): Date | null {
  const lifetime = keyLifetimes.find((it) => it === text)
  if (!lifetime) throw wrong('lifetime', 'Choose when the key expires.')
  return lifetime === 'never' ? null : addSeconds(now, Number(lifetime) * daySeconds)
}

function wrong(param: string, say: string): Problem {
  return new Problem('invalid_parameter', { param, say })
}
