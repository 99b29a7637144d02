// The lines of the log on their way out.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gatheredLines } from '../../src/core/gathered-lines.ts'

function start() {
  const written: Buffer[] = []
  const lines = gatheredLines({ write: (bytes) => written.push(bytes), flushSync: () => {} })
  const text = async () => {
    await sleep(50)
    return Buffer.concat(written).toString()
  }
  return { lines, written, text }
}

test('lines come out whole and in order, of both kinds, some of them together', async () => {
  const { lines, written, text } = start()
  let expected = ''
  for (let index = 0; index < 5000; index += 1) {
    const line = `line ${index} ${'.'.repeat(index % 300)}\n`
    if (index % 7 === 0) lines.write(`Grüße, 你好: ${line}`)
    else lines.writeAscii(line)
    expected += index % 7 === 0 ? `Grüße, 你好: ${line}` : line
    // What was handed over must not be written over afterwards.
    if (index % 500 === 0) await sleep(15)
  }
  assert.equal(await text(), expected)
  assert.ok(written.length < 100, `${written.length} writes`)
})

test('a line that is longer than what is kept goes out too', async () => {
  const { lines, text } = start()
  lines.writeAscii('before\n')
  lines.write(`${'ß'.repeat(100_000)}\n`)
  lines.writeAscii(`${'a'.repeat(100_000)}\n`)
  lines.writeAscii('after\n')
  assert.equal(await text(), `before\n${'ß'.repeat(100_000)}\n${'a'.repeat(100_000)}\nafter\n`)
})

test('a process that ends at once has written them all', async () => {
  const program = `
    import { createLog, requestLines } from ${JSON.stringify(new URL('../../src/core/telemetry.ts', import.meta.url))}
    const log = createLog('info')
    const writeLine = requestLines(log)
    for (let index = 0; index < 1000; index += 1) {
      writeLine({ id: \`req_\${index}\`, method: 'GET', path: '/é"\\u0001', status: 200, ms: 1 }, { kind: 'ß', left: undefined })
      if (index % 100 === 0) log.info({ index }, 'äöü')
    }
    process.exit(0)
  `
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const told = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(told.length, 1010)
  assert.deepEqual(
    told
      .filter(({ msg }) => msg === 'request')
      .map((line) => [line['request_id'], line['path'], line['kind']]),
    Array.from({ length: 1000 }, (_, index) => [`req_${index}`, '/é"\u0001', 'ß']),
  )
  assert.equal(told.filter(({ msg }) => msg === 'äöü').length, 10)
})
