import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { csvLine } from '../../src/lib/csv.ts'

/** What a reader that goes by RFC 4180 makes of it. */
function readCsv(text: string): string[][] {
  const records: string[][] = [[]]
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y
  while (cell.lastIndex < text.length) {
    const [, quoted, plain = '', end] = cell.exec(text) ?? assert.fail('no cell')
    records.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === ',' && cell.lastIndex === text.length) records.at(-1)?.push('')
    if (end === '\r\n') records.push([])
  }
  return records.slice(0, -1)
}

test('what is written as CSV is read as it was, whatever it holds, but for an apostrophe before formulas', () => {
  const cells = fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(cells, { minLength: 1, maxLength: 5 }), (records) => {
      const read = readCsv(records.map((record) => csvLine(record)).join(''))
      const plain = (record: string[]) => record.map((text) => text.replace(/^'/, ''))
      assert.deepEqual(read.map(plain), records.map(plain))
    }),
  )
})

test('no cell is a formula for a spreadsheet', () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', ' =1', '＝1'])
    assert.match(csvLine([text]), /^"?'/, JSON.stringify(text))
  assert.equal(csvLine(['a,b', 'say "hi"', '', 'plain']), '"a,b","say ""hi""",,plain\r\n')
})
