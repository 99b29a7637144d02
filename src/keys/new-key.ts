// What may be asked for when a key is made: each field read from outside, with a sentence for what can't be.
import type { Mode } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import { normalizeNetwork } from '../lib/network.ts'
import { isBlank, isOneLine } from '../lib/shown-text.ts'
import { addSeconds, daySeconds } from '../lib/time.ts'

export const longestKeyName = 100
export const mostAllowedAddresses = 50
/** A key that ends may be made to end within ten years. */
export const longestKeyLifeSeconds = 3650 * daySeconds

/** @throws Problem invalid_parameter */
export function readKeyName(text: string, param = 'name'): string {
  const name = text.trim()
  if (isBlank(name)) throw wrong(param, 'Give the key a name, so that people know what it is for.')
  if (name.length > longestKeyName)
    throw wrong(param, `The name may have ${longestKeyName} characters at most.`)
  if (!isOneLine(name)) throw wrong(param, 'The name has a character that can not be shown.')
  return name
}

/** Names from the catalogue, each once, sorted. @throws Problem invalid_parameter */
export function readKeyScopes(
  profile: Profile,
  scopes: readonly string[],
  param = 'scopes',
): readonly string[] {
  const known = Object.keys(profile.scopes)
  if (scopes.length === 0 && known.length > 0)
    throw wrong(param, 'Choose at least one scope: a key without any can do nothing.')
  const unknown = scopes.find((scope) => !known.includes(scope))
  if (unknown !== undefined)
    throw wrong(
      param,
      `There is no scope "${unknown.slice(0, 60)}". There are: ${known.join(', ') || 'none'}.`,
    )
  return [...new Set(scopes)].sort()
}

/** One of those that the profile has. @throws Problem invalid_parameter */
export function readKeyMode({ modes }: Profile, mode: Mode, param = 'mode'): Mode {
  if (modes.includes(mode)) return mode
  throw wrong(param, `There is no ${mode} mode here: every key is of ${modes.join(' or ')} mode.`)
}

/** Networks in CIDR notation; null for none, which is anywhere. @throws Problem invalid_parameter */
export function readAllowedAddresses(
  texts: readonly string[],
  param = 'allowed_addresses',
): readonly string[] | null {
  const networks = texts.map((text) => {
    const network = normalizeNetwork(text)
    if (network === null) {
      const say = `"${text.trim().slice(0, 60)}" is no address or network. Write it as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.`
      throw wrong(param, say)
    }
    return network
  })
  if (networks.length > mostAllowedAddresses)
    throw wrong(param, `At most ${mostAllowedAddresses} addresses or networks can be allowed.`)
  return networks.length > 0 ? [...new Set(networks)] : null
}

/** @throws Problem invalid_parameter for an end that has passed or lies too far away */
export function checkExpiry(expiresAt: Date | null, now: Date, param = 'expires_at'): Date | null {
  if (expiresAt === null) return null
  // The document's format allows what no clock here tells: a leap second, an offset without its minutes.
  if (Number.isNaN(expiresAt.getTime()))
    throw wrong(param, 'The end must be a time such as 2030-01-31T18:00:00Z.')
  if (expiresAt <= now) throw wrong(param, 'The end must lie in the future.')
  if (expiresAt > addSeconds(now, longestKeyLifeSeconds))
    throw wrong(param, 'The end must lie within ten years.')
  return expiresAt
}

function wrong(param: string, say: string): Problem {
  return new Problem('invalid_parameter', { param, say })
}
