import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  createCsvReader,
  createLineReader,
  longestRecord,
  type NumberedRecord,
  type RecordReader,
} from '../../src/lib/records.ts'

/** All records of a text that comes in pieces of so many characters. */
function readAll<Value>(reader: RecordReader<Value>, text: string, size: number): NumberedRecord<Value>[] {
  const records: NumberedRecord<Value>[] = []
  for (let at = 0; at < text.length; at += size) records.push(...reader.push(text.slice(at, at + size)))
  return [...records, ...reader.end()]
}

const valuesOf = <Value>(records: readonly NumberedRecord<Value>[]) => records.map(({ value }) => value)
const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
const size = fc.integer({ min: 1, max: 9 })
const cell = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\r', '\n', ' ', '😀') })

test('CSV is read as it was written, wherever it is cut and however its lines end', () => {
  const records = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(
      records,
      size,
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      (written, pieces, end, isEnded) => {
        const lines = written.map((cells) => cells.map(quoted).join(','))
        const text = lines.join(end) + (isEnded ? end : '')
        const read = readAll(createCsvReader(), text, pieces)
        // A text that ends in nothing has no further record.
        assert.deepEqual(valuesOf(read), written)
        let line = 1
        for (const [at, record] of read.entries()) {
          assert.equal(record.line, line)
          line += lines[at]?.split('\n').length ?? 0
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a quote that stands where none may, or is never closed, spoils its own line alone', () => {
  for (const pieces of [1, 3, 1000]) {
    const read = (text: string) => readAll(createCsvReader(), text, pieces)
    const broken = (line: number) => ({ line, value: null })
    const fine = (line: number, ...value: string[]) => ({ line, value })
    assert.deepEqual(read('a,b"c\nd,e\n'), [broken(1), fine(2, 'd', 'e')])
    assert.deepEqual(read('a,"b"c\nd,e\n'), [broken(1), fine(2, 'd', 'e')])
    assert.deepEqual(read('a,"b\nd,e\nf,g'), [broken(1), fine(2, 'd', 'e'), fine(3, 'f', 'g')])
    assert.deepEqual(read('"a\nb",c\nd'), [fine(1, 'a\nb', 'c'), fine(3, 'd')])
    assert.deepEqual(read('\ufeffa,b\r\n\r\nc'), [fine(1, 'a', 'b'), fine(2, ''), fine(3, 'c')])
  }
  const long = `a,"${'x\n'.repeat(longestRecord)}`
  const read = readAll(createCsvReader(), `${long}\nd,e\n`, 10_000)
  assert.equal(read[0]?.value, null)
  assert.deepEqual(read.at(-1)?.value, ['d', 'e'])
})

test('lines are read wherever they are cut; one that is too long costs itself', () => {
  const line = fc.string({ unit: fc.constantFrom('a', '"', 'é') })
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), size, (lines, pieces) => {
      const read = readAll(createLineReader(), `${lines.join('\n')}\n`, pieces)
      assert.deepEqual(
        read,
        lines.map((value, at) => ({ line: at + 1, value })),
      )
    }),
  )
  const long = 'x'.repeat(longestRecord * 3)
  for (const text of [`a\r\n${long}\nb`, `a\n${long}\nb\n`])
    assert.deepEqual(readAll(createLineReader(), text, 10_000), [
      { line: 1, value: 'a' },
      { line: 2, value: null },
      { line: 3, value: 'b' },
    ])
  assert.deepEqual(valuesOf(readAll(createLineReader(), `a\n${long}`, 10_000)), ['a', null])
  assert.deepEqual(readAll(createLineReader(), '', 1), [])
})
