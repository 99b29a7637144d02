// The lines of the log on their way out.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gatheredLines } from '../../src/core/gathered-lines.ts'

function start() {
  const written: Buffer[] = []
  const lines = gatheredLines({ write: (bytes) => written.push(bytes), writeLast: () => {} })
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

const telemetry = JSON.stringify(new URL('../../src/core/telemetry.ts', import.meta.url))

/** What a process writes that logs so many lines, and then ends as `end` says. */
async function linesOf(count: number, end: string): Promise<Record<string, unknown>[]> {
  const program = `
    import { createLog, RequestLine, requestLines } from ${telemetry}
    const log = createLog('info')
    const writeLine = requestLines(log)
    for (let index = 0; index < ${count}; index += 1) {
      const line = new RequestLine()
      line.add('kind', 'ß')
      line.add('left', undefined)
      line.addPrincipal('key_a', 'org_a', 'live')
      writeLine({ id: \`req_\${index}\`, method: 'GET', path: '/é"\\u0001', status: 200, ms: 1 }, line)
      log.info({ index }, 'äöü')
    }
    ${end}
  `
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

// With more than fits in one write, a process that is ended may lose some: what is under way can't be waited for.
for (const [count, end] of [
  [2000, ''],
  [50, 'process.exit(0)'],
] as const) {
  test(`a process that ends by ${end || 'itself'} has written its lines before`, async () => {
    const told = await linesOf(count, end)
    assert.equal(told.length, 2 * count)
    for (const [index, line] of told.entries()) {
      if (index % 2 === 1) assert.deepEqual([line['index'], line['msg']], [(index - 1) / 2, 'äöü'])
      else {
        const { time, ...rest } = line
        assert.ok(Date.parse(String(time)) > 0)
        assert.deepEqual(rest, {
          ...{
            level: 'info',
            request_id: `req_${index / 2}`,
            method: 'GET',
            path: '/é"\u0001',
            status: 200,
            ms: 1,
          },
          ...{ kind: 'ß', principal: 'key_a', organization: 'org_a', mode: 'live', msg: 'request' },
        })
      }
    }
  })
}
