// What the vendors' published pages promise, sentence by sentence, and the test that holds each: docs/contracts.md.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/lib/package-root.ts'
import { boooply } from '../contracts/promises/boooply.ts'
import { boooplyPlatformKeys } from '../contracts/promises/boooply-platform-keys.ts'
import { boothzen, boothzenSiblings } from '../contracts/promises/boothzen.ts'
import { busyboard } from '../contracts/promises/busyboard.ts'
import { evalyo } from '../contracts/promises/evalyo.ts'
import type { PublishedPage } from './published-page.ts'

/** In the order of docs/contracts.md. */
export const pages: readonly PublishedPage[] = [
  boothzen,
  boothzenSiblings,
  boooply,
  boooplyPlatformKeys,
  evalyo,
  busyboard,
]

export const table = join(packageRoot, 'docs/contracts.md')

const testsAt = join(packageRoot, 'test/contracts')

/** The files of tests, as a page names them. */
export function testFiles(): string[] {
  return readdirSync(testsAt).filter((name) => name.endsWith('.test.ts'))
}

/** The titles of a file's top-level tests, in their order; none of a file that is not there. */
export function titlesIn(file: string): string[] {
  const path = join(testsAt, file)
  return existsSync(path) ? topLevelTitles(readFileSync(path, 'utf8')) : []
}

/** Of `test('…'` at the start of a line, in any quotes, also where the title stands on the next line. */
export function topLevelTitles(text: string): string[] {
  const calls = text.matchAll(/^test\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/gm)
  return [...calls].map(([, ...quoted]) =>
    (quoted.find((title) => title !== undefined) ?? '').replace(/\\(.)/g, '$1'),
  )
}

/** docs/contracts.md as the pages have it. */
export function writeTable(): string {
  const promises = pages.flatMap(({ sentences }) => sentences).filter(({ test }) => test !== null)
  return `# The published contracts

What each published page promises, in its own words and order, and the test that holds the server to it. Every test is
titled with the sentence that it is about; it stands in \`test/contracts/\` and runs against a server with that profile.
A sentence that no program can check is listed with the reason, so that none is left out. The list is
\`test/contracts/promises/\`; this page is written from it: \`UPDATE=1 node test/run.mjs --no-database test/contracts.test.ts\`.

${promises.length} promises, ${promises.length} tested.

${pages.map(writePage).join('\n')}`
}

function writePage({ title, tests, sentences }: PublishedPage): string {
  const rows = sentences.map(({ says, test, why }) =>
    test === null
      ? `| ${cell(says)} | not observable: ${cell(why ?? '')} | |`
      : `| ${cell(says)} | ${test === says ? 'of this title' : cell(test)} | ✓ |`,
  )
  return `## ${title}

Tests: \`test/contracts/${tests}\`

| promise | test | |
|---|---|---|
${rows.join('\n')}
`
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;')
