// Which test checks which line of docs/security-checks.md: a test names the lines in its title.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/lib/package-root.ts'

export const table = join(packageRoot, 'docs/security-checks.md')

export interface Row {
  readonly id: string
  /** The request, and the only acceptable answer. */
  readonly says: string
  /** As Markdown: the tests that name it. */
  readonly tests: string
}

/** The rows of the table as they are written. */
export function readTable(text: string): Row[] {
  return [...text.matchAll(/^\| ([A-Z]\d+) \| (.*?) \| ([^|]*) \|$/gm)].map(
    ([, id = '', says = '', tests = '']) => ({ id, says, tests: tests.trim() }),
  )
}

/** The table with the tests that there are. */
export function writeTable(text: string): string {
  const found = testsByLine()
  return text.replace(
    /^\| ([A-Z]\d+) \| (.*?) \| [^|]*\|$/gm,
    (_, id: string, says: string) => `| ${id} | ${says} | ${(found.get(id) ?? []).join('<br>')} |`,
  )
}

/** By id: `file`: title, in the order of the files. */
function testsByLine(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const files = readdirSync(join(packageRoot, 'test'), { recursive: true, encoding: 'utf8' })
  for (const file of files.filter((name) => name.endsWith('.test.ts')).sort()) {
    const text = readFileSync(join(packageRoot, 'test', file), 'utf8')
    for (const title of titlesOf(text)) {
      for (const id of idsOf(title)) {
        const said = `\`${file}\`: ${title.replaceAll('|', '/').replace(/\\(.)/g, '$1')}`
        found.set(id, [...(found.get(id) ?? []), said])
      }
    }
  }
  return found
}

/** Of `test('…'` and `t.test('…'`, in any quotes. */
function titlesOf(text: string): string[] {
  const calls = text.matchAll(/\btest\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g)
  return [...calls].map(([, ...quoted]) => quoted.find((title) => title !== undefined) ?? '')
}

/** "A1 to A4, A15" is A1, A2, A3, A4 and A15. */
export function idsOf(title: string): Set<string> {
  const ids = new Set<string>()
  for (const [, kind = '', first, last] of title.matchAll(
    /\b([ATIRMGDPKU])(\d{1,2})(?: to \1(\d{1,2}))?\b/g,
  )) {
    for (let n = Number(first); n <= Number(last ?? first); n += 1) ids.add(kind + n)
  }
  return ids
}
