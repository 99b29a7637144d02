// Questions of one turn of the event loop, asked together: what many requests want at the same moment costs one
// round trip.

export interface Gathering<Question, Answer> {
  ask(question: Question): Promise<Answer>
}

/**
 * @param atOnce how many calls of `answer` may be under way; what comes meanwhile waits, and goes together
 * @param most questions in one call
 * @param answer one answer for each question, in their order; where it rejects, all that were in it are told so
 */
export function createGathering<Question, Answer>({
  atOnce,
  most,
  answer,
}: {
  readonly atOnce: number
  readonly most: number
  readonly answer: (questions: readonly Question[]) => Promise<readonly Answer[]>
}): Gathering<Question, Answer> {
  interface Waiting {
    readonly question: Question
    readonly resolve: (answer: Answer) => void
    readonly reject: (cause: unknown) => void
  }
  let waiting: Waiting[] = []
  let underWay = 0
  let isPlanned = false

  const send = async (batch: readonly Waiting[]) => {
    underWay += 1
    try {
      const answers = await answer(batch.map(({ question }) => question))
      if (answers.length !== batch.length) throw new Error('not as many answers as questions')
      for (const [at, { resolve }] of batch.entries()) resolve(answers[at] as Answer) // as many: see above
    } catch (cause) {
      for (const { reject } of batch) reject(cause)
    } finally {
      underWay -= 1
      flush()
    }
  }
  const flush = () => {
    isPlanned = false
    while (waiting.length > 0 && underWay < atOnce) {
      const batch = waiting.length > most ? waiting.slice(0, most) : waiting
      waiting = waiting.slice(batch.length)
      void send(batch)
    }
  }
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        waiting.push({ question, resolve, reject })
        if (isPlanned || underWay >= atOnce) return
        isPlanned = true
        // After all that this turn brings: a microtask would come after each socket of its own.
        setImmediate(flush)
      }),
  }
}
