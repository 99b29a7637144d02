// An answer, or none, within a time.

/**
 * What `answer` gives, if that is within `ms`.
 * @throws Error `late` when the time is over, and whatever `answer` throws before that
 */
export async function answerWithin<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // This process may have been busy itself: an answer that waits to be read has its turn first.
      setImmediate(() => setImmediate(reject, new Error(`no answer within ${ms} ms`)))
    }, ms)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
