// One request and its tries: time, aborts and repetition. It knows nothing of APIs.
import { isPassing, readRetryAfter, waitBefore } from './back-off.ts'
import { LatchkeyConnectionError, LatchkeyTimeoutError } from './errors.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What tests put in place of the world. */
export interface Surroundings {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Rejects with the signal's reason when it is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** From 0 up to 1. */
  readonly random: () => number
}

export interface WireOptions {
  /** Milliseconds that a call may take, with all its tries and the waits between them. 30,000 unless said. */
  readonly timeout?: number | undefined
  /** How often a call is tried again. 2 unless said. */
  readonly maxRetries?: number | undefined
  readonly fetch?: Fetch | undefined
  readonly surroundings?: Partial<Surroundings> | undefined
}

export interface WireRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** May it reach the server twice? */
  readonly isRepeatable: boolean
  readonly signal?: AbortSignal | undefined
  readonly timeout?: number | undefined
}

export interface WireAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** In seconds. */
  readonly retryAfter: number | undefined
}

export interface Wire {
  /**
   * @param who as errors begin: "Boooply API"
   * @returns the answer, whatever its status
   * @throws LatchkeyConnectionError, LatchkeyTimeoutError; the signal's reason when the caller aborted
   */
  send(who: string, request: WireRequest): Promise<WireAnswer>
  readonly now: () => number
}

export function createWire(options: WireOptions): Wire {
  const maxRetries = readCount('maxRetries', options.maxRetries ?? 2)
  const usualTimeout = readCount('timeout', options.timeout ?? 30_000)
  const { now = Date.now, sleep = sleepWith, random = Math.random } = options.surroundings ?? {}
  // Looked up at each call, for programs that replace the global one; and called as a function, as it must be.
  const ask: Fetch = options.fetch ?? ((url, init) => fetch(url, init))

  const tryOnce = async (request: WireRequest, signal: AbortSignal): Promise<WireAnswer> => {
    const { method, url, headers, body } = request
    // Redirects are not followed: the credential would go with them, wherever they lead.
    const response = await ask(url, { method, headers, body, signal, redirect: 'manual' })
    const text = await response.text()
    const seen = Object.fromEntries(response.headers)
    return {
      status: response.status,
      headers: seen,
      text,
      retryAfter: readRetryAfter(seen['retry-after'], now()),
    }
  }

  const send = async (who: string, request: WireRequest): Promise<WireAnswer> => {
    const timeout = readCount('timeout', request.timeout ?? usualTimeout)
    const end = now() + timeout
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), timeout)
    const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal
    const explain = (cause: unknown) => {
      if (request.signal?.aborted) return request.signal.reason
      if (late.signal.aborted) return new LatchkeyTimeoutError(`${who}: no answer within ${timeout} ms.`)
      return new LatchkeyConnectionError(`${who}: there was no answer: ${reasonOf(cause)}.`, { cause })
    }
    try {
      request.signal?.throwIfAborted()
      for (let tries = 1; ; tries += 1) {
        const outcome = await tryOnce(request, signal).catch((cause: unknown) => ({
          failure: explain(cause),
        }))
        const isFinal = 'failure' in outcome ? signal.aborted : !isPassing(outcome.status)
        const retryAfter = 'failure' in outcome ? undefined : outcome.retryAfter
        const wait = waitBefore(tries, retryAfter, random())
        if (isFinal || !request.isRepeatable || tries > maxRetries || now() + wait >= end) {
          if ('failure' in outcome) throw outcome.failure
          return outcome
        }
        await sleep(wait, signal).catch((cause: unknown) => Promise.reject(explain(cause)))
      }
    } finally {
      clearTimeout(timer)
    }
  }
  return { send, now }
}

/** The last reason is the one that says something: "fetch failed" because of "connect ECONNREFUSED 127.0.0.1:3000". */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error && cause.cause.message ? reasonOf(cause.cause) : cause.message
}

function sleepWith(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

/** The longest time that a timer can wait. */
const longest = 2 ** 31 - 1

function readCount(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= longest) return value
  throw new TypeError(`${name} must be a whole number from 0 to ${longest}.`)
}
