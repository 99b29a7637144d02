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
}

/** How long a caller waits. */
export interface Patience {
  readonly signal?: AbortSignal | undefined
  readonly timeout?: number | undefined
}

export type Send = (request: WireRequest) => Promise<WireAnswer>

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
   * One request. @param who as errors begin: "Boooply API"
   * @returns the answer, whatever its status
   * @throws LatchkeyConnectionError, LatchkeyTimeoutError
   */
  send(who: string, request: WireRequest): Promise<WireAnswer>
  /**
   * What takes several requests, or waits for something else: all of it has the time of one.
   * @throws what `work` throws, LatchkeyTimeoutError; the signal's reason when the caller aborted
   */
  within<T>(who: string, patience: Patience, work: (send: Send) => Promise<T>): Promise<T>
  readonly now: () => number
}

export function createWire(options: WireOptions): Wire {
  const maxRetries = readCount('maxRetries', options.maxRetries ?? 2, 0)
  const usualTimeout = readCount('timeout', options.timeout ?? 30_000, 1)
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

  const within: Wire['within'] = async (who, patience, work) => {
    const timeout = readCount('timeout', patience.timeout ?? usualTimeout, 1)
    const end = now() + timeout
    // One controller for both reasons; not AbortSignal.any, of which a signal that lives long keeps a part for ever.
    const stop = new AbortController()
    const { signal } = stop
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      stop.abort()
    }, timeout)
    const forget = patience.signal && whenAborted(patience.signal, () => stop.abort())
    const stopped = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    })
    const explain = (cause: unknown) => {
      if (patience.signal?.aborted) return patience.signal.reason
      if (isLate) return new LatchkeyTimeoutError(`${who}: no answer within ${timeout} ms.`)
      return new LatchkeyConnectionError(`${who}: there was no answer: ${reasonOf(cause)}.`, { cause })
    }
    const send: Send = async (request) => {
      signal.throwIfAborted()
      for (let tries = 1; ; tries += 1) {
        const outcome = await tryOnce(request, signal).catch((cause: unknown) => ({
          failure: explain(cause),
        }))
        const isFinal = 'failure' in outcome ? signal.aborted : !isPassing(outcome.status)
        const retryAfter = 'failure' in outcome ? undefined : outcome.retryAfter
        // With 429 nothing was done: limits are asked before all else (RFC 6585 section 4).
        const isRepeatable = request.isRepeatable || ('status' in outcome && outcome.status === 429)
        const wait = waitBefore(tries, retryAfter, random())
        if (isFinal || !isRepeatable || tries > maxRetries || now() + wait >= end) {
          if ('failure' in outcome) throw outcome.failure
          return outcome
        }
        await sleep(wait, signal)
      }
    }
    try {
      patience.signal?.throwIfAborted()
      // Raced: what the work waits for beside requests, such as a lock, knows nothing of the signal.
      return await Promise.race([work(send), stopped])
    } catch (error) {
      throw signal.aborted ? explain(error) : error
    } finally {
      forget?.()
      clearTimeout(timer)
    }
  }
  return { send: (who, request) => within(who, {}, (send) => send(request)), within, now }
}

const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Many calls may have one signal: they share a listener, since Node.js warns of the eleventh.
 * @returns takes back what was asked for
 */
function whenAborted(signal: AbortSignal, tell: () => void): () => void {
  const all = waiting.get(signal) ?? new Set()
  if (!waiting.has(signal)) {
    waiting.set(signal, all)
    signal.addEventListener('abort', () => all.forEach((it) => void it()), { once: true })
  }
  all.add(tell)
  return () => all.delete(tell)
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

function readCount(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= longest) return value
  throw new TypeError(`${name} must be a whole number from ${least} to ${longest}.`)
}
