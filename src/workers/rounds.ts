// The primary's part in what workers ask each other: it passes a question on to all the others, gathers what they
// answer, and gives that to whoever asked. A worker that does not answer holds up one round and no more.
import type { Asked, ToWorker } from './messages.ts'

/** So long a round waits for an answer, in ms. */
export const patienceMs = 300

/** A worker as the rounds see it. */
export interface Member {
  /** Never fails: who can't be told any more is about to leave. */
  tell(message: ToWorker): void
}

export interface Rounds {
  join(member: Member): void
  leave(member: Member): void
  /** The member's question number `id`: answered by an `answers` message, in at most two rounds' patience. */
  ask(member: Member, id: number, asked: Asked): void
  /** What a member answers to a round's question. */
  hear(member: Member, round: number, answer: { readonly value: unknown } | null): void
}

interface Asker {
  readonly member: Member
  readonly id: number
}

interface Round {
  readonly missing: Set<Member>
  readonly answers: Map<Member, unknown>
  readonly end: () => void
}

export function createRounds(patience = patienceMs): Rounds {
  const members = new Set<Member>()
  /** Missed a round: left out until something is heard of it. */
  const silent = new Set<Member>()
  /** By what they ask: those whose round has not begun. One round at a time for all who ask the same. */
  const waiting = new Map<string, Asker[]>()
  const underWay = new Set<string>()
  const rounds = new Map<number, Round>()
  let lastRound = 0

  const begin = (key: string, asked: Asked) => {
    const askers = waiting.get(key) ?? []
    waiting.delete(key)
    underWay.add(key)
    lastRound += 1
    const number = lastRound
    // Who asks alone knows its own answer; of two who ask together each needs the other's.
    const lone = new Set(askers.map(({ member }) => member)).size === 1 ? askers[0]?.member : undefined
    const missing = new Set([...members].filter((it) => it !== lone && !silent.has(it)))
    const answers = new Map<Member, unknown>()
    const end = () => {
      clearTimeout(timer)
      rounds.delete(number)
      for (const it of missing) silent.add(it)
      for (const { member, id } of askers) {
        const others = [...answers].filter(([from]) => from !== member).map(([, answer]) => answer)
        if (members.has(member)) member.tell({ latchkey: 'answers', id, answers: others })
      }
      underWay.delete(key)
      if (waiting.has(key)) begin(key, asked)
    }
    const timer = setTimeout(end, patience)
    rounds.set(number, { missing, answers, end })
    for (const it of missing) it.tell({ latchkey: 'question', round: number, asked })
    if (missing.size === 0) end()
  }

  const settle = (round: Round, member: Member) => {
    if (round.missing.delete(member) && round.missing.size === 0) round.end()
  }

  return {
    join: (member) => {
      members.add(member)
    },
    leave: (member) => {
      members.delete(member)
      silent.delete(member)
      for (const round of [...rounds.values()]) settle(round, member)
    },
    ask: (member, id, asked) => {
      const key = `${asked.question} ${asked.about}`
      waiting.set(key, [...(waiting.get(key) ?? []), { member, id }])
      if (!underWay.has(key)) begin(key, asked)
    },
    hear: (member, number, answer) => {
      silent.delete(member)
      const round = rounds.get(number)
      if (!round?.missing.has(member)) return
      if (answer) round.answers.set(member, answer.value)
      settle(round, member)
    },
  }
}
