import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGathering } from '../../src/lib/gathering.ts'

/** Askings that end when the test says so. */
function asking() {
  const asked: { questions: readonly number[]; answer(): void; fail(cause: unknown): void }[] = []
  const askAll = (questions: readonly number[]) =>
    new Promise<readonly number[]>((resolve, reject) => {
      asked.push({ questions, answer: () => resolve(questions.map((it) => it * 10)), fail: reject })
    })
  return { asked, askAll }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('what comes in one turn is asked together, each answered with its own', async () => {
  const { asked, askAll } = asking()
  const { ask } = createGathering({ answer: askAll, most: 10, atOnce: 2 })
  const answers = Promise.all([1, 2, 3].map(ask))
  await turn()
  assert.deepEqual(
    asked.map(({ questions }) => questions),
    [[1, 2, 3]],
  )
  asked[0]?.answer()
  assert.deepEqual(await answers, [10, 20, 30])
})

test('no more are asked together than may be, nor more askings under way; the rest waits for its turn', async () => {
  const { asked, askAll } = asking()
  const { ask } = createGathering({ answer: askAll, most: 2, atOnce: 2 })
  const answers = Promise.all([1, 2, 3, 4, 5].map(ask))
  await turn()
  await turn()
  assert.deepEqual(
    asked.map(({ questions }) => questions),
    [
      [1, 2],
      [3, 4],
    ],
  )
  const late = ask(6)
  await turn()
  assert.equal(asked.length, 2, 'two are under way')
  asked[1]?.answer()
  await turn()
  await turn()
  assert.deepEqual(asked[2]?.questions, [5, 6], 'what came meanwhile goes together')
  asked[0]?.answer()
  asked[2]?.answer()
  assert.deepEqual(await answers, [10, 20, 30, 40, 50])
  assert.equal(await late, 60)
})

test('what an asking fails with is thrown to each, and the next is asked', async () => {
  const { asked, askAll } = asking()
  const { ask } = createGathering({ answer: askAll, most: 10, atOnce: 1 })
  const first = Promise.allSettled([1, 2].map(ask))
  await turn()
  const next = ask(3)
  asked[0]?.fail(new Error('gone'))
  assert.deepEqual(
    (await first).map((it) => (it.status === 'rejected' ? String(it.reason) : it.value)),
    ['Error: gone', 'Error: gone'],
  )
  await turn()
  asked[1]?.answer()
  assert.equal(await next, 30)
})

test("an answer too few is nobody's", async () => {
  const { ask } = createGathering({
    answer: async (questions: readonly number[]) => questions.slice(1),
    ...{ most: 10, atOnce: 1 },
  })
  for (const it of await Promise.allSettled([1, 2].map(ask))) assert.equal(it.status, 'rejected')
})
