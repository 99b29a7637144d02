// A profile of the test's own: the packaged one's files in a folder that the test may write in. No promises of its own.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { packageRoot } from '../../src/lib/package-root.ts'

export const packagedFolder = join(packageRoot, 'profiles')

export interface ProfileFiles {
  readonly folder: string
  readonly file: string
  /** Sets values in one of the files (profile, document or rows) by their path; undefined takes one away. */
  change(name: string, values: Readonly<Record<string, unknown>>): void
  write(name: string, text: string): void
}

export function profileFiles(t: TestContext, profile = 'boothzen'): ProfileFiles {
  const folder = makeFolder(t)
  cpSync(packagedFolder, folder, { recursive: true })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  return {
    folder,
    file: join(folder, `${profile}.json`),
    write,
    change: (name, values) => {
      const json: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'))
      for (const [path, value] of Object.entries(values)) set(json, path.split('.'), value)
      write(name, JSON.stringify(json, null, 2))
    },
  }
}

function set(json: unknown, path: readonly string[], value: unknown): void {
  const last = path.at(-1) ?? ''
  let at = json as Record<string, unknown> // a path of the test's own names an object at every step
  for (const step of path.slice(0, -1)) at = at[step] as Record<string, unknown>
  if (value === undefined) delete at[last]
  else at[last] = value
}

export function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-profile-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
