// The examples of the documentation, run as a reader runs them: curl and Node.js, with the environment that the page
// speaks of.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Example {
  readonly language: 'sh' | 'js'
  readonly text: string
  /** The answer that the page shows behind it. */
  readonly answer: string | null
}

export interface Heard {
  readonly status: number
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

const run = promisify(execFile)
const fences = /^```(\w*)\n([\s\S]*?)\n```$/gm

/** Every block of code with its language, in the order of the page. */
export function blocksOf(markdown: string): { readonly language: string; readonly text: string }[] {
  return [...markdown.matchAll(fences)].map(([, language = '', text = '']) => ({ language, text }))
}

export function examplesOf(markdown: string): Example[] {
  const blocks = blocksOf(markdown)
  return blocks.flatMap(({ language, text }, index) => {
    if (language !== 'sh' && language !== 'js') return []
    const next = blocks[index + 1]
    return [{ language, text, answer: next?.language === 'http' ? next.text : null }]
  })
}

/** What the example printed. It fails as the example does. */
export async function runExample(
  { language, text }: Example,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const surroundings = { env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 30_000 }
  const [program, ...given] =
    language === 'sh' ? ['bash', '-euc', text] : [process.execPath, '--input-type=module', '--eval', text]
  const { stdout } = await run(program ?? '', given, surroundings)
  return stdout
}

/** An answer as curl -i prints it. */
export function readAnswer(printed: string): Heard {
  const [head = '', ...rest] = printed.replaceAll('\r\n', '\n').split('\n\n')
  const [first = '', ...lines] = head.split('\n')
  const status = Number(/^HTTP\/[\d.]+ (\d{3})/.exec(first)?.[1])
  assert.ok(status, `no answer: ${printed}`)
  const pairs = lines.map((line): [string, string] => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ])
  return { status, headers: new Map(pairs), body: rest.join('\n\n') }
}

/** That the answer is as documented: "…" stands for anything, and one item of a list for all. */
export function assertAnswer(documented: string, heard: Heard): void {
  const expected = readAnswer(documented)
  assert.equal(heard.status, expected.status, heard.body)
  for (const [name, value] of expected.headers) {
    assertLike(value, heard.headers.get(name), `the header ${name}`)
  }
  if (expected.body !== '') assertLike(JSON.parse(expected.body), JSON.parse(heard.body), 'the body')
}

function assertLike(documented: unknown, heard: unknown, at: string): void {
  if (typeof documented === 'string' && documented.endsWith('…')) {
    assert.equal(typeof heard, 'string', at)
    assert.ok(String(heard).startsWith(documented.slice(0, -1)), `${at}: ${heard}`)
  } else if (Array.isArray(documented)) {
    assert.ok(Array.isArray(heard) && heard.length > 0, at)
    for (const [index, item] of documented.entries()) assertLike(item, heard[index], `${at}[${index}]`)
  } else if (typeof documented === 'object' && documented !== null) {
    assert.ok(typeof heard === 'object' && heard !== null, `${at}: ${heard}`)
    assert.deepEqual(Object.keys(heard).sort(), Object.keys(documented).sort(), at)
    for (const [name, value] of Object.entries(documented))
      assertLike(value, Object.entries(heard).find(([it]) => it === name)?.[1], `${at}.${name}`)
  } else {
    assert.deepEqual(heard, documented, at)
  }
}
