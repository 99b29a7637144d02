// JavaScript of Boooply's pages, run as it is printed but for the import and the base URL. No promises of its own.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { packageRoot } from '../../src/lib/package-root.ts'
import { publishedHost } from './boooply.ts'

const requireHere = createRequire(import.meta.url)

/** `require('latchkey/client')`, of what the sources say now. */
export async function requireClient(): Promise<typeof import('../../src/client/entry.ts')> {
  // A computed name, for there are no types of it.
  const { buildGardens } = await import(join(packageRoot, 'scripts/build-gardens.mjs'))
  await buildGardens()
  return requireHere('latchkey/client')
}

// The language has no name for it.
const AsyncFunction = (async () => {}).constructor as new (
  ...namesAndCode: string[]
) => (...values: unknown[]) => Promise<Record<string, unknown>>

/** What the pages call it. */
const published = { server: publishedHost, package: '@boooply/ai-interviews-sdk' }

/**
 * Runs code of a page.
 * @param around what the page takes for granted, by name: `process`, `db`, `app` …
 * @param gives the names in it whose values are asked for
 */
export async function runPublished(
  code: string,
  url: string,
  around: Readonly<Record<string, unknown>>,
  gives: readonly string[],
): Promise<Record<string, unknown>> {
  const moved = code.replaceAll(published.server, url).replaceAll(published.package, 'latchkey/client')
  assert.notEqual(moved, code, 'the code names the published server')
  const names = { require: requireHere, ...around }
  const run = new AsyncFunction(...Object.keys(names), `${moved}\nreturn { ${gives.join(', ')} }`)
  return run(...Object.values(names))
}
