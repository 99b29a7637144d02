// What whoever makes a key may give it: never more than he has himself (SECURITY K11).
import type { ApiKeyPrincipal, Mode } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import { missingScopes, type Scopes } from '../core/scopes.ts'
import { contains } from '../lib/network.ts'

/** The most that a key may be, which this maker makes or rotates. */
export interface KeyLimits {
  readonly modes: readonly Mode[]
  readonly scopes: Scopes
  /** It may not outlive this; null for no end. */
  readonly expiresAt: Date | null
  /** It may be used from within these alone; null for anywhere. */
  readonly allowedAddresses: readonly string[] | null
}

/** What a key is to be, as far as limits go. */
export interface LimitedKey {
  readonly mode: Mode
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
  readonly allowedAddresses: readonly string[] | null
}

/** An administrator, or whoever runs commands: everything that the catalogue has. */
export function adminLimits(profile: Profile): KeyLimits {
  const scopes = new Set(Object.keys(profile.scopes))
  return { modes: profile.modes, scopes, expiresAt: null, allowedAddresses: null }
}

/** A member: test keys, and none that manages keys; so none at all where there is no test mode. */
export function memberLimits(profile: Profile): KeyLimits {
  const scopes = Object.keys(profile.scopes).filter((name) => profile.scopes[name]?.apiKeysOnly === false)
  const modes = profile.modes.filter((mode) => mode === 'test')
  return { modes, scopes: new Set(scopes), expiresAt: null, allowedAddresses: null }
}

/** A key that makes keys: its own mode, scopes, end and networks. */
export function keyLimits({ mode, scopes, expiresAt, allowedAddresses }: ApiKeyPrincipal): KeyLimits {
  return { modes: [mode], scopes, expiresAt, allowedAddresses }
}

/** @throws Problem wrong_mode or exceeds_creator, naming what is too much */
export function requireWithin(limits: KeyLimits, wanted: LimitedKey): void {
  if (!limits.modes.includes(wanted.mode)) {
    const say = `You may not make or rotate keys of ${wanted.mode} mode.`
    throw new Problem('wrong_mode', { param: 'mode', say })
  }
  const [scope] = missingScopes(wanted.scopes, limits.scopes)
  if (scope !== undefined) {
    const say = `The scope "${scope}" is more than its creator may give.`
    throw new Problem('exceeds_creator', { param: 'scopes', say })
  }
  if (limits.expiresAt && (!wanted.expiresAt || wanted.expiresAt > limits.expiresAt)) {
    const say = `It may not outlive its creator, which ends at ${limits.expiresAt.toISOString()}.`
    throw new Problem('exceeds_creator', { param: 'expires_at', say })
  }
  const outer = limits.allowedAddresses
  if (outer && !(wanted.allowedAddresses ?? ['0.0.0.0/0', '::/0']).every((inner) => contains(outer, inner))) {
    const say = `It may be used from within ${outer.join(', ')} alone, as its creator.`
    throw new Problem('exceeds_creator', { param: 'allowed_addresses', say })
  }
}
