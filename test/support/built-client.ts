// `latchkey/client` as somebody who installed the package has it.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { packageRoot } from '../../src/lib/package-root.ts'

/**
 * A folder of a project that has installed the package, or only what is in a folder of it. The client is built where it
 * is not.
 */
export async function createProject(t: TestContext, { client = '.' } = {}): Promise<string> {
  // A computed name, for there are no types of it.
  const { buildGardens } = await import(join(packageRoot, 'scripts/build-gardens.mjs'))
  await buildGardens()
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-project-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(join(packageRoot, client), join(folder, 'node_modules/latchkey'))
  return folder
}
