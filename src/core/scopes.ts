// Scopes as the house holds them: a set of names from the profile's catalogue.

export type Scopes = ReadonlySet<string>

/** The scopes of a space-separated text (RFC 6749 section 3.3); empty for null or an empty text. */
export function parseScopes(text: string | null | undefined): Scopes {
  return new Set((text ?? '').split(' ').filter((scope) => scope !== ''))
}

/** Space-separated, sorted: the same set is always the same text, whichever credential carries it. */
export function printScopes(scopes: Iterable<string>): string {
  return [...scopes].sort().join(' ')
}

const printed = new WeakMap<Scopes, string>()

/** The same for a set that is never changed: put together once for each. */
export function printedScopes(scopes: Scopes): string {
  const known = printed.get(scopes)
  if (known !== undefined) return known
  const text = printScopes(scopes)
  printed.set(scopes, text)
  return text
}

/** Those of `wanted` that `held` lacks. */
export function missingScopes(wanted: Iterable<string>, held: Scopes): string[] {
  return [...wanted].filter((scope) => !held.has(scope))
}
