// What workers ask each other by way of their primary: rounds of questions, without processes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { ToWorker } from '../../src/workers/messages.ts'
import { createRounds, type Member, type Rounds } from '../../src/workers/rounds.ts'

const asked = { question: 'catch-up', about: '' } as const

/** A worker that writes down what it is told, and answers its name when the test says so. */
function worker(name: string, rounds: Rounds) {
  const questions: number[] = []
  const answers: (readonly unknown[])[] = []
  const member: Member = {
    tell: (message: ToWorker) => {
      if (message.latchkey === 'question') questions.push(message.round)
      if (message.latchkey === 'answers') answers.push(message.answers)
    },
  }
  rounds.join(member)
  return {
    member,
    questions,
    answers,
    ask: () => rounds.ask(member, 1, asked),
    answer: (round = questions.at(-1) ?? 0) => rounds.hear(member, round, { value: name }),
  }
}

/** Long enough that no round of a test ends by it, but where the test waits for that. */
const long = 60_000

test('who asks alone is answered by all the others, and is not asked itself', () => {
  const rounds = createRounds(long)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => worker(name, rounds))
  assert.ok(a && b && c)
  a.ask()
  assert.deepEqual([a.questions.length, b.questions.length, c.questions.length], [0, 1, 1])
  b.answer()
  assert.deepEqual(a.answers, [], 'not before the last answer')
  c.answer()
  assert.deepEqual(a.answers, [['b', 'c']])
})

test('those who ask during a round share the next one, in which each hears of the others', () => {
  const rounds = createRounds(long)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => worker(name, rounds))
  assert.ok(a && b && c)
  a.ask()
  a.ask()
  b.ask()
  assert.equal(c.questions.length, 1, 'one round at a time')
  for (const it of [b, c]) it.answer()
  assert.deepEqual(
    [a.questions.length, b.questions.length, c.questions.length],
    [1, 2, 2],
    'one for all three',
  )
  for (const it of [a, b, c]) it.answer()
  assert.deepEqual(a.answers, [
    ['b', 'c'],
    ['b', 'c'],
  ])
  assert.deepEqual(b.answers, [['a', 'c']])
})

test('who is silent holds up one round, and is asked again once it is heard', async () => {
  const rounds = createRounds(50)
  const [a, b, silent] = ['a', 'b', 'silent'].map((name) => worker(name, rounds))
  assert.ok(a && b && silent)
  a.ask()
  b.answer()
  while (a.answers.length === 0) await sleep(5)
  assert.deepEqual(a.answers, [['b']])
  a.ask()
  b.answer()
  assert.deepEqual(a.answers.at(-1), ['b'], 'at once')
  assert.equal(silent.questions.length, 1)
  silent.answer()
  a.ask()
  for (const it of [b, silent]) it.answer()
  assert.deepEqual(a.answers.at(-1), ['b', 'silent'])
})

test('who leaves, or can not answer, is not waited for', async () => {
  const rounds = createRounds(long)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => worker(name, rounds))
  assert.ok(a && b && c)
  a.ask()
  rounds.leave(b.member)
  rounds.hear(c.member, c.questions[0] ?? 0, null)
  assert.deepEqual(a.answers, [[]])
  rounds.leave(c.member)
  a.ask()
  await turn()
  assert.deepEqual(a.answers, [[], []], 'alone it is answered at once')
})
