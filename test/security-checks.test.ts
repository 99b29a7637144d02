// Every line of the list has its test, and the list says which.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { idsOf, readTable, table, writeTable } from './support/security-checks.ts'

const lines = { A: 33, T: 24, I: 8, R: 4, M: 6, G: 7, D: 11, P: 7 }

test('every check has a test that names it, and docs/security-checks.md tells which', () => {
  const text = readFileSync(table, 'utf8')
  const written = writeTable(text)
  if (process.env['UPDATE']) writeFileSync(table, written)
  const rows = readTable(written)
  const wanted = Object.entries(lines).flatMap(([kind, last]) =>
    Array.from({ length: last }, (_, index) => `${kind}${index + 1}`),
  )
  const ids = rows.map(({ id }) => id)
  assert.deepEqual(
    wanted.filter((id) => !ids.includes(id)),
    [],
    'lines that are not in the table',
  )
  const untested = rows.filter(({ id, tests }) => wanted.includes(id) && tests === '').map(({ id }) => id)
  assert.deepEqual(untested, [], 'lines without a test')
  assert.equal(process.env['UPDATE'] ? written : text, written, 'write it anew: UPDATE=1 before the command')
})

test('a title names lines one by one and from one to another', () => {
  assert.deepEqual(
    [...idsOf('A1 to A4, A15: only a code; U17, not B2 or A100')],
    ['A1', 'A2', 'A3', 'A4', 'A15', 'U17'],
  )
})
