// Asks the server about credentials: those of one turn of the event loop in one question, each of them once.
import { type Answer, readBatchAnswer } from './answer.ts'
import type { Memory } from './memory.ts'
import { isBefore, later, type Moment, now } from './moment.ts'
import { connections, NoAnswer, type Wire } from './wire.ts'

/** That the sender of a request holds the key that its token is bound to (RFC 9449). */
export interface Proof {
  readonly proof: string
  readonly method: string
  readonly url: string
}

export interface Question {
  readonly credential: string
  /** Its SHA-256 as base64url. */
  readonly hash: string
  /** Where the request came from. */
  readonly address: string | null
  readonly operation: string | null
  readonly proof: Proof | null
}

export interface Checker {
  /** @throws NoAnswer: nobody is let in by one */
  check(question: Question): Promise<Answer>
  /** Whether the last question had no answer. */
  readonly isAway: boolean
  close(): void
}

export interface CheckerParts {
  readonly wire: Wire
  readonly memory: Memory
  readonly boundMs: number
  readonly timeoutMs: number
  readonly onError: (error: Error) => void
}

interface Told {
  readonly answer: Answer
  readonly sentAt: Moment
  readonly ageMs: number
}

interface Waiting {
  readonly text: string
  readonly since: number
  readonly resolve: (told: Told) => void
  readonly reject: (reason: NoAnswer) => void
}

const path = '/verify/batch'
/** Of one batch: the server takes no more, nor more bytes than 1 MiB. */
const mostItems = 1000
const mostBytes = 900_000
/** More than so many can't be answered in time by any server. */
const mostWaiting = 20_000
/** A change may be heard while its credential is asked about: then again, but not for ever. */
const mostTries = 3
/** What is used for longer is asked about again, so that its last use is known within a minute. */
const askAgainMs = 50_000

export function createChecker({ wire, memory, boundMs, timeoutMs, onError }: CheckerParts): Checker {
  let queue: Waiting[] = []
  let onTheirWay = 0
  let isPlanned = false
  let isAway = false
  let isClosed = false
  const pending = new Map<string, Promise<Answer>>()

  const plan = () => {
    if (isPlanned || onTheirWay >= connections || queue.length === 0) return
    isPlanned = true
    setImmediate(() => {
      isPlanned = false
      const batch = takeBatch()
      if (batch.length > 0) void send(batch)
      plan()
    })
  }

  const takeBatch = (): readonly Waiting[] => {
    const oldest = performance.now() - timeoutMs
    let bytes = 0
    let count = 0
    for (const { text } of queue) {
      bytes += text.length + 1
      if (count === mostItems || (count > 0 && bytes > mostBytes)) break
      count += 1
    }
    const taken = queue.slice(0, count)
    queue = queue.slice(count)
    const late = taken.filter(({ since }) => since < oldest)
    for (const { reject } of late) reject(new NoAnswer('The question waited for its turn for too long.'))
    return late.length > 0 ? taken.filter(({ since }) => since >= oldest) : taken
  }

  const send = async (batch: readonly Waiting[]): Promise<void> => {
    onTheirWay += 1
    try {
      const body = `{"credentials":[${batch.map(({ text }) => text).join(',')}]}`
      const { text, sentAt } = await wire.post(path, body, timeoutMs)
      const read = readBatchAnswer(text, batch.length)
      if (!read) throw new NoAnswer('Latchkey answered with something else than it was asked.')
      isAway = false
      batch.forEach(({ resolve, reject }, index) => {
        const answer = read.answers[index]
        if (answer) resolve({ answer, sentAt, ageMs: read.ageMs })
        else reject(new NoAnswer('An answer is missing.'))
      })
    } catch (thrown) {
      const reason = thrown instanceof NoAnswer ? thrown : new NoAnswer('Asking failed.', { cause: thrown })
      isAway = true
      for (const { reject } of batch) reject(reason)
      if (!isClosed) onError(reason)
    } finally {
      onTheirWay -= 1
      plan()
    }
  }

  const ask = (text: string): Promise<Told> =>
    new Promise((resolve, reject) => {
      if (isClosed) return reject(new NoAnswer('It was closed.'))
      if (queue.length >= mostWaiting) return reject(new NoAnswer('Too many questions wait.'))
      queue.push({ text, since: performance.now(), resolve, reject })
      plan()
    })

  const settle = async (question: Question): Promise<Answer> => {
    const text = textOf(question)
    const { hash, address, proof } = question
    for (let tries = 1; ; tries += 1) {
      const { answer, sentAt, ageMs } = await ask(text)
      // A change was heard meanwhile. A proof is taken once: with one, the answer counts as it is.
      const isDoubtful = proof === null && memory.isChangedSince(hash, sentAt.monotonic)
      if (isDoubtful && tries < mostTries) continue
      const truth = later(sentAt, -ageMs)
      if (!isBefore(now(), later(truth, boundMs))) throw new NoAnswer('The answer came too late.')
      const known = answer.known && answer.known.lifeMs > 0 ? answer.known : null
      // Of a bound one each request is asked about. What is not good is not kept: it may be made good.
      if (!known || known.isBound) memory.forget(hash)
      else {
        const endsAt = later(sentAt, known.lifeMs)
        const askAgainAt = sentAt.monotonic + askAgainMs
        memory.put(hash, { known, address, endsAt, askAgainAt, wasUsed: false }, truth.monotonic)
      }
      return { ...answer, known }
    }
  }

  return {
    check: (question) => {
      if (question.proof) return settle(question)
      const name = `${question.hash} ${question.address ?? ''}`
      const asked = pending.get(name)
      if (asked) return asked
      const answer = settle(question).finally(() => pending.delete(name))
      pending.set(name, answer)
      return answer
    },
    get isAway() {
      return isAway
    },
    close: () => {
      isClosed = true
      for (const { reject } of queue.splice(0)) reject(new NoAnswer('It was closed.'))
    },
  }
}

function textOf({ credential, address, operation, proof }: Question): string {
  return JSON.stringify({
    credential,
    ...(address === null ? {} : { client_address: address }),
    ...(operation === null ? {} : { operation }),
    ...(proof === null ? {} : { dpop: proof }),
  })
}
