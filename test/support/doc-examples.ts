// The examples of a page of the documentation, as files: a block whose first line is "// name.mjs" is one.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/lib/package-root.ts'

/** By their names. */
export function examplesOf(page: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(packageRoot, page), 'utf8')
  const blocks = [...text.matchAll(/^```js\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm)]
  return new Map(blocks.map(([, code = '', name = '']) => [name, code]))
}

/** Writes them into a folder, as their reader would, with the address of a server that there is. */
export function writeExamples(page: string, folder: string, url = 'https://app.example.com'): void {
  for (const [name, code] of examplesOf(page)) {
    writeFileSync(join(folder, name), code.replaceAll('https://app.example.com', url))
  }
}
