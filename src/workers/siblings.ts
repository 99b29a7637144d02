// The other workers of this machine, as one of them sees them: whom it can ask, and what it answers them.
import { createGathering } from '../lib/gathering.ts'
import { type Answers, isOurs, type Question, type ToPrimary, type ToWorker } from './messages.ts'
import { patienceMs } from './rounds.ts'

export interface Siblings {
  /** Which of them this process is, from 1; null where it is the only one. */
  readonly place: number | null
  /**
   * What the others answer, of those that do in time (300 ms; who missed that is not asked again until it answers).
   * Never fails; takes a second at most, even when the primary has stopped.
   */
  ask<Q extends Question>(question: Q, about?: string): Promise<readonly Answers[Q][]>
  /** How this process answers such questions. One that can't be answered now may fail. */
  answer<Q extends Question>(question: Q, how: (about: string) => Answers[Q] | Promise<Answers[Q]>): void
  /**
   * What makes this process and all its siblings catch up with what is committed by the time of the call. A sibling
   * that does not answer is left to its own lease.
   * @param own makes this process catch up; what the siblings are asked to do as well
   */
  catchUpAll(own: () => Promise<void>): () => Promise<void>
}

/** A process without siblings. */
export const alone: Siblings = {
  place: null,
  ask: async () => [],
  answer: () => {},
  catchUpAll: (own) => own,
}

/** The channel to the primary. */
export interface Channel {
  /** Never fails: a primary that is gone takes this process with it. */
  send(message: ToPrimary): void
  onMessage(listener: (message: unknown) => void): void
}

const primaryAnswersWithinMs = 2 * patienceMs + 400

/** Joins the siblings; to be called before the process listens. */
export function joinSiblings(channel: Channel, place: number): Siblings {
  const answerers = new Map<Question, (about: string) => unknown>()
  const asked = new Map<number, (answers: readonly unknown[]) => void>()
  let lastId = 0

  const reply = async ({ round, asked: { question, about } }: ToWorker & { latchkey: 'question' }) => {
    try {
      const answerer = answerers.get(question)
      if (!answerer) throw new Error(`nothing answers ${question} yet`)
      channel.send({ latchkey: 'answer', round, answer: await answerer(about), failed: false })
    } catch {
      // What failed is known where it did. Here it is enough that the sibling need not wait.
      channel.send({ latchkey: 'answer', round, answer: null, failed: true })
    }
  }
  channel.onMessage((message) => {
    if (!isOurs(message)) return
    if (message.latchkey === 'question') void reply(message)
    if (message.latchkey === 'answers') asked.get(message.id)?.(message.answers)
  })
  channel.send({ latchkey: 'joined' })

  const ask = <Q extends Question>(question: Q, about = ''): Promise<readonly Answers[Q][]> =>
    new Promise((resolve) => {
      lastId += 1
      const id = lastId
      const end = (answers: readonly unknown[]) => {
        clearTimeout(timer)
        asked.delete(id)
        // Made by `answer` in another process of the same program, where it had this type.
        resolve(answers as readonly Answers[Q][])
      }
      const timer = setTimeout(end, primaryAnswersWithinMs, [])
      asked.set(id, end)
      channel.send({ latchkey: 'ask', id, asked: { question, about } })
    })
  const answer: Siblings['answer'] = (question, how) => void answerers.set(question, how)
  return {
    place,
    ask,
    answer,
    catchUpAll: (own) => {
      answer('catch-up', async () => {
        await own()
        return null
      })
      // All who wait at one moment share one question; who comes meanwhile needs one that begins after it came.
      const asking = createGathering({
        atOnce: 1,
        most: Number.POSITIVE_INFINITY,
        answer: async (all: readonly null[]) => {
          await ask('catch-up')
          return all
        },
      })
      return async () => {
        await Promise.all([own(), asking.ask(null)])
      }
    },
  }
}
