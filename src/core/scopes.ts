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

interface Written {
  readonly sorted: readonly string[]
  readonly text: string
}

const written = new WeakMap<Scopes, Written>()

function writtenOf(scopes: Scopes): Written {
  const known = written.get(scopes)
  if (known) return known
  const sorted = [...scopes].sort()
  const made = { sorted, text: sorted.join(' ') }
  written.set(scopes, made)
  return made
}

/** As `printScopes`, of a set that is never changed: put together once for each. */
export function printedScopes(scopes: Scopes): string {
  return writtenOf(scopes).text
}

/** The same as a list. */
export function sortedScopes(scopes: Scopes): readonly string[] {
  return writtenOf(scopes).sorted
}

export function holdsAll(held: Scopes, wanted: readonly string[]): boolean {
  for (const scope of wanted) if (!held.has(scope)) return false
  return true
}

/** Those of `wanted` that `held` lacks. */
export function missingScopes(wanted: Iterable<string>, held: Scopes): string[] {
  return [...wanted].filter((scope) => !held.has(scope))
}
