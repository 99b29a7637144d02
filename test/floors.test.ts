// The house of DESIGN.md: rooms stacked on floors. A room may import its own files and any room on a lower
// floor; never its own floor, never up. Type-only imports count: knowing a shape is knowing.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../src/lib/package-root.ts'
import { type Import, importsOf, parseSource, readSources } from './support/imports.ts'

/** From the ground up. A file that lies in src itself is a room of its own. */
const floors: readonly (readonly string[])[] = [
  ['lib'], // facts about the world
  ['core'], // the vocabulary
  ['db', 'mail', 'web', 'workers'],
  ['audit', 'limits', 'credentials'],
  ['organizations'],
  ['operators'], // whose deeds stand in the ledgers of their organizations
  ['keys', 'apps'],
  ['oauth'],
  ['offboarding', 'sample'],
  ['api', 'console', 'documentation'],
  ['profiles', 'sweeping'], // what a profile means for what is there; every table with rows that have an end
  ['authorization-server.ts', 'front-doors.ts'], // what stands before the engine, and before Koa
  ['app.ts', 'base.ts', 'cookie-keys.ts', 'demo.ts'], // what the process is put together from
  ['banner.ts', 'stop-signal.ts'], // tells of the demo; of a signal
  ['serving.ts'], // one process that serves
  ['main.ts'], // the process
  ['cli'], // `serve` is one of its commands
]

/**
 * Published to others, who have nothing else of ours: they import nothing of the house, and it nothing of them. With the
 * modules of Node.js that each may have: a client runs in browsers too, a resource server hashes, and keeps connections.
 */
const gardens: Readonly<Record<string, readonly string[]>> = {
  client: [],
  'resource-server': ['node:crypto', 'node:http', 'node:https', 'node:net'],
}

/** The folder in src, or the file where there is none. */
const roomOf = (file: string) => file.split('/')[1] ?? ''
/** -1 for a room that the table lacks. */
const floorOf = (file: string) => floors.findIndex((rooms) => rooms.includes(roomOf(file)))

const isGarden = (file: string) => gardens[roomOf(file)] !== undefined

/** A sentence for each import over a garden's fence, in or out; of a garden also those of Node.js that are not its. */
function fenceJumps(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, line, to }) => {
    const garden = roomOf(from)
    const itsModules = gardens[garden]
    if (itsModules !== undefined) {
      const isIts = to !== null && (to.startsWith(`src/${garden}/`) || itsModules.includes(to))
      return isIts ? [] : [`${from}:${line} leaves the garden for ${to}`]
    }
    return to?.startsWith('src/') && isGarden(to) ? [`${from}:${line} picks ${to}`] : []
  })
}

/** A sentence for each import that goes anywhere but down. */
function climbs(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, line, to }) => {
    // Libraries are for guests.test.ts to judge.
    if (!to?.endsWith('.ts') || isGarden(from)) return []
    if (!to.startsWith('src/')) return [`${from}:${line} leaves the house for ${to}`]
    const isBelow = floorOf(to) >= 0 && floorOf(to) < floorOf(from)
    return isBelow || roomOf(from) === roomOf(to) ? [] : [`${from}:${line} climbs to ${to}`]
  })
}

/** Each cycle of files that need one another to run, once, as the way around it. */
function cycles(imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>()
  for (const { from, to, isTypeOnly } of imports) {
    if (to !== null && !isTypeOnly) next.set(from, [...(next.get(from) ?? []), to])
  }
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]) => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file].join(' -> '))
    else if (!done.has(file)) for (const to of next.get(file) ?? []) visit(to, [...way, file])
    done.add(file)
  }
  for (const file of next.keys()) visit(file, [])
  return found
}

const house = readSources('src').flatMap(importsOf)
const madeUp = (files: Record<string, string>) =>
  Object.entries(files).flatMap(([file, text]) => importsOf(parseSource(file, text)))

test('imports only go down', () => {
  assert.ok(house.length > 100, 'the imports were found')
  assert.deepEqual(climbs(house), [])
})

test('a garden imports nothing but its own files, and nobody in the house imports a garden', () => {
  assert.ok(house.filter(({ from }) => isGarden(from)).length > 20, 'the garden was found')
  assert.deepEqual(fenceJumps(house), [])
})

test('no files need one another in a circle', () => {
  assert.deepEqual(cycles(house), [])
})

test('every room is on a floor, and every floor has its rooms', () => {
  assert.deepEqual(
    readdirSync(join(packageRoot, 'src')).sort(),
    [...floors.flat(), ...Object.keys(gardens)].sort(),
  )
})

test('an import that climbs, crosses to a neighbour or leaves the house is told', () => {
  const imports = madeUp({
    'src/lib/time.ts': "import type { Config } from '../core/config.ts'",
    'src/db/connect.ts': "import { seeOther } from '../web/see-other.ts'\nimport pg from 'pg'",
    'src/keys/issue-key.ts': "import { sha256 } from '../lib/digest.ts'\nimport './key-store.ts'",
    'src/oauth/interactions/allow.ts': "export { listKeys } from '../../console/routes.ts'",
    'src/api/pipeline.ts': "\nconst later = await import('../app.ts')",
    'src/app.ts': "type Lost = import('./attic/box.ts').Box",
    'src/demo.ts': "import { startHouse } from '../test/support/house.ts'",
  })
  assert.deepEqual(climbs(imports), [
    'src/lib/time.ts:1 climbs to src/core/config.ts',
    'src/db/connect.ts:1 climbs to src/web/see-other.ts',
    'src/oauth/interactions/allow.ts:1 climbs to src/console/routes.ts',
    'src/api/pipeline.ts:2 climbs to src/app.ts',
    'src/app.ts:1 climbs to src/attic/box.ts',
    'src/demo.ts:1 leaves the house for test/support/house.ts',
  ])
})

test('an import over a garden fence is told', () => {
  const imports = madeUp({
    'src/client/wire.ts':
      "import { sha256 } from '../lib/digest.ts'\nimport { createHash } from 'node:crypto'\nimport './errors.ts'",
    'src/resource-server/wire.ts':
      "import * as http from 'node:http'\nimport { readFileSync } from 'node:fs'",
    'src/resource-server/entry.ts': "import type { Contract } from '../client/contract.ts'",
    'src/client/generated/acme.ts': "import type { Contract } from '../contract.ts'",
    'src/cli/key.ts': "import { LatchkeyClient } from '../client/entry.ts'",
  })
  assert.deepEqual(fenceJumps(imports), [
    'src/client/wire.ts:1 leaves the garden for src/lib/digest.ts',
    'src/client/wire.ts:2 leaves the garden for node:crypto',
    'src/resource-server/wire.ts:2 leaves the garden for node:fs',
    'src/resource-server/entry.ts:1 leaves the garden for src/client/contract.ts',
    'src/cli/key.ts:1 picks src/client/entry.ts',
  ])
})

test('a cycle is told by its way; a type-only import closes none', () => {
  const imports = madeUp({
    'src/keys/a.ts': "import { b } from './b.ts'",
    'src/keys/b.ts': "import { type C, c } from './c.ts'",
    'src/keys/c.ts': "import { type A } from './a.ts'",
    'src/apps/a.ts': "import { b } from './b.ts'",
    'src/apps/b.ts': "import type { A } from './a.ts'",
  })
  assert.deepEqual(cycles(imports), ['src/keys/a.ts -> src/keys/b.ts -> src/keys/c.ts -> src/keys/a.ts'])
})
