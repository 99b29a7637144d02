// Every promise of the published pages has its test, every such test its promise, and docs/contracts.md says which.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { pages, table, testFiles, titlesIn, topLevelTitles, writeTable } from './support/contract-promises.ts'

for (const { title, tests, sentences } of pages) {
  test(`${title}: every promise has one test of its title in ${tests}`, () => {
    const titles = titlesIn(tests)
    const untested = sentences.flatMap(({ test: held }) =>
      held !== null && titles.filter((one) => one === held).length !== 1 ? [held] : [],
    )
    assert.deepEqual(untested, [], 'promises without a test of that title, or with two')
  })
}

test('every test of a contract is a promise of its pages', () => {
  for (const file of testFiles()) {
    const promised = pages
      .filter(({ tests }) => tests === file)
      .flatMap(({ sentences }) => sentences.map(({ test: held }) => held))
    assert.deepEqual(
      titlesIn(file).filter((title) => !promised.includes(title)),
      [],
      `${file}: titles that no page promises`,
    )
  }
})

test('docs/contracts.md is written from the list', () => {
  const written = writeTable()
  if (process.env['UPDATE']) writeFileSync(table, written)
  assert.equal(readFileSync(table, 'utf8'), written, 'write it anew: UPDATE=1 before the command')
})

test('titles are read in any quotes, of top-level tests alone', () => {
  const text =
    "test('It\\'s one.', async () => {\n  await t.test('two', f)\n})\ntest(\n  `three 'a' \\`b\\``,\n"
  assert.deepEqual(topLevelTitles(text), ["It's one.", "three 'a' `b`"])
})
