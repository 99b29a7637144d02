// How options of commands are read; a value that can't be is wrong use (exit code 2).
import { InvalidArgumentError } from 'commander'
import type { ReuseResponse } from '../apps/app.ts'
import type { Mode } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import { type Profile, soleMode } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { daySeconds, hourSeconds, minuteSeconds } from '../lib/time.ts'
import type { Role } from '../organizations/membership-store.ts'
import { findOrganization, type Organization } from '../organizations/organization-store.ts'
import { found } from './session.ts'

/** For options that may be given more than once. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

/** For scopes: given more than once, or several at once with spaces or commas between them. */
export function collectScopes(value: string, before: readonly string[] = []): string[] {
  return [...before, ...value.split(/[\s,]+/).filter((part) => part !== '')]
}

export function readMode(value: string): Mode {
  if (value === 'live' || value === 'test') return value
  throw new InvalidArgumentError('It must be live or test.')
}

/** The mode where nobody has to say it. @throws Problem invalid_parameter where there is a choice */
export function requireSoleMode(profile: Profile): Mode {
  const mode = soleMode(profile)
  if (mode !== null) return mode
  throw new Problem('invalid_parameter', { say: `Say which: --mode ${profile.modes.join(' or --mode ')}.` })
}

export function readRole(value: string): Role {
  if (value === 'ADMIN' || value === 'MEMBER') return value
  throw new InvalidArgumentError('It must be ADMIN or MEMBER.')
}

/** Seconds: a plain number, or one with s, m, h or d behind it. */
export function readDuration(value: string): number {
  const [, digits, unit] = /^(\d{1,9})([smhd]?)$/.exec(value) ?? []
  if (digits === undefined)
    throw new InvalidArgumentError('It must be a number of seconds, or such as 90d, 12h, 30m.')
  const seconds = { '': 1, s: 1, m: minuteSeconds, h: hourSeconds, d: daySeconds }[unit ?? ''] ?? 1
  return Number(digits) * seconds
}

/** Between two bounds, in seconds. */
export function readDurationWithin(low: number, high: number): (value: string) => number {
  return (value) => {
    const seconds = readDuration(value)
    if (seconds >= low && seconds <= high) return seconds
    throw new InvalidArgumentError(`It must be from ${low} to ${high} seconds.`)
  }
}

const shortestIdle = minuteSeconds
const longestIdle = 3650 * daySeconds

/** A duration, or null for `none`. */
export function readIdle(value: string): number | null {
  return value === 'none' ? null : readDurationWithin(shortestIdle, longestIdle)(value)
}

export function readReuseResponse(value: string): ReuseResponse {
  if (value === 'revoke' || value === 'refuse') return value
  throw new InvalidArgumentError('It must be revoke or refuse.')
}

/** @throws Problem invalid_parameter where the profile has no OAuth apps, in place of what a command would make */
export function requireOAuth({ name, oauth }: Profile): void {
  if (oauth.enabled) return
  const say = `The profile ${name} has no OAuth apps: its oauth.enabled is false.`
  throw new Problem('invalid_parameter', { say })
}

/** @throws Problem resource_not_found */
export async function organizationOf(db: Db, idOrSlug: string): Promise<Organization> {
  return found(await findOrganization(db, idOrSlug), `There is no organization "${idOrSlug}".`)
}

/** @throws Problem invalid_parameter for a scope that the profile does not list */
export function checkScopes(profile: Profile, scopes: readonly string[]): readonly string[] {
  const known = Object.keys(profile.scopes)
  if (scopes.length === 0 && known.length > 0)
    throw new Problem('invalid_parameter', { say: `--scope names no scope. There are: ${known.join(', ')}.` })
  for (const scope of scopes) {
    if (!known.includes(scope)) {
      throw new Problem('invalid_parameter', {
        say: `There is no scope "${scope}". There are: ${known.join(', ') || 'none'}.`,
      })
    }
  }
  return scopes
}
