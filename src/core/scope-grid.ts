// The catalogue of scopes as people choose from it: what one may do with each resource, from nothing to everything.
import type { Profile } from './profile.ts'
import type { Scopes } from './scopes.ts'

/** One resource, with the scope for reading it and the one for changing it. */
export interface ScopeRow {
  /** As the scopes name it: bookings */
  readonly resource: string
  readonly levels: readonly ScopeLevel[]
}

/** A step of the grid, with all the scopes that it gives. The lowest gives none. */
export interface ScopeLevel {
  readonly level: 'none' | 'read' | 'write'
  readonly label: string
  readonly scopes: readonly string[]
}

const none: ScopeLevel = { level: 'none', label: 'None', scopes: [] }

/** `verb:resource` and `resource:verb` are read alike; a scope with another verb is a row of its own. */
export function scopeGrid(profile: Profile, offered: Scopes): ScopeRow[] {
  const rows = new Map<string, { read?: string; write?: string }>()
  for (const name of Object.keys(profile.scopes)) {
    if (!offered.has(name)) continue
    const { resource, verb } = partsOf(name)
    rows.set(resource, { ...rows.get(resource), [verb]: name })
  }
  return [...rows].map(([resource, row]) => ({ resource, levels: levelsOf(row) }))
}

/** The level of each resource that these scopes come to, by resource: for a form that is shown again. */
export function levelsIn(grid: readonly ScopeRow[], scopes: Scopes): Readonly<Record<string, string>> {
  return Object.fromEntries(
    grid.map(({ resource, levels }) => {
      const held = levels.filter((level) => level.scopes.every((scope) => scopes.has(scope)))
      return [resource, held.at(-1)?.level ?? 'none']
    }),
  )
}

function partsOf(name: string): { resource: string; verb: 'read' | 'write' } {
  const [first = name, second = name] = name.split(':')
  if (first === 'read' || first === 'write') return { resource: second, verb: first }
  if (second === 'read' || second === 'write') return { resource: first, verb: second }
  return { resource: name, verb: 'write' }
}

function levelsOf({ read, write }: { readonly read?: string; readonly write?: string }): ScopeLevel[] {
  const reading: ScopeLevel[] = read ? [{ level: 'read', label: 'Read', scopes: [read] }] : []
  if (!write) return [none, ...reading]
  return read
    ? [none, ...reading, { level: 'write', label: 'Read and write', scopes: [read, write] }]
    : [none, { level: 'write', label: 'Allow', scopes: [write] }]
}
