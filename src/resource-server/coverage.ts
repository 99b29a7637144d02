// Until when what is in memory may be used. The server tells each change of a credential over one long-lived stream, and
// several times a second of which moment it has told everything that was committed before. While that moment is no
// longer ago than the bound, whatever is in memory was good at a moment that is no longer ago than the bound.
//
// A lost stream takes nothing away at once: the last moment that was told stands, and runs out by itself. The stream
// that takes its place knows nothing of what happened in between, so that everything is forgotten when it begins. Each
// minute another one is opened beside the one that there is, and takes its place without a gap: so that the clocks have
// no time to drift apart, no proxy's limit cuts us, and load moves to nodes that are new.
import { isObject, parse } from './answer.ts'
import type { Memory } from './memory.ts'
import { isBefore, later, type Moment, never, now } from './moment.ts'
import type { HeaderRules } from './presented.ts'
import { createTranslation } from './translation.ts'
import { NoAnswer, type Wire } from './wire.ts'

export interface Coverage {
  /** Whether what is in memory may be used. */
  isCurrent(at: Moment): boolean
  /** Whether the server was heard within so many ms before this moment. */
  wasHeard(at: Moment, withinMs: number): boolean
  /** How credentials come, as the server's profile says; null until it is known that it says so, or can't. */
  readonly rules: HeaderRules | null
  /** Resolves when there are rules, or the time is over. */
  rulesWithin(milliseconds: number): Promise<void>
  close(): void
}

interface Stream {
  readonly openedAt: number
  /** By its first line. */
  translate: ReturnType<typeof createTranslation> | null
  /** When that line was read: each change that was committed later is told by this stream. */
  toldSince: number
  /** When it last told of a moment that is recent. */
  goodAt: number
  close: () => void
}

export interface CoverageParts {
  readonly wire: Wire
  readonly memory: Memory
  readonly boundMs: number
  readonly onError: (error: Error) => void
  /** So old a stream is when the next one is opened beside it. A minute, but for a test. */
  readonly renewMs?: number
}

const path = '/verify/changes'
const tickMs = 250
/** A stream that tells of no recent moment for so long is given up: its node may be cut off. */
const silentMs = 3000
const usualRenewMs = 60_000
/** So long the one may take to take the other's place. */
const handOverMs = 10_000
const firstWaitMs = 100
const longestWaitMs = 2000

export const usualRules: HeaderRules = {
  header: 'authorization',
  takesBearers: true,
  refusedQueryParameters: [],
}

export function createCoverage({
  wire,
  memory,
  boundMs,
  onError,
  renewMs = usualRenewMs,
}: CoverageParts): Coverage {
  /** Tells everything since memory was cleared last. */
  let current: Stream | null = null
  /** On its way to become that. */
  let next: Stream | null = null
  let lease = never
  let rules: HeaderRules | null = null
  let waitMs = firstWaitMs
  let openAt = 0
  let isClosed = false
  const waiting: (() => void)[] = []

  const learn = (told: HeaderRules) => {
    rules = told
    for (const go of waiting.splice(0)) go()
  }

  const open = () => {
    const at = performance.now()
    const stream: Stream = { openedAt: at, translate: null, toldSince: Infinity, goodAt: at, close: () => {} }
    next = stream
    stream.close = wire.readLines(path, {
      line: (text, sentAt) => hear(stream, text, sentAt),
      end: (reason) => lose(stream, reason),
    })
  }

  const hear = (stream: Stream, text: string, sentAt: Moment) => {
    const line = parse(text)
    const at = now()
    if (!isObject(line)) return lose(stream, new NoAnswer('The stream has a line that is no JSON object.'))
    if (line['kind'] === 'hello') return greet(stream, line, sentAt, at.monotonic)
    if (!stream.translate) return lose(stream, new NoAnswer('The stream did not begin as one of changes.'))
    if (line['kind'] === 'changed') memory.changed(textsOf(line['hashes']), at.monotonic)
    if (line['kind'] === 'reset') memory.clear(at.monotonic)
    if (line['kind'] === 'as_of' && typeof line['as_of'] === 'number') {
      const moment = stream.translate(line['as_of'], at)
      if (moment === null) return lose(stream, new NoAnswer('The clock was set, or the machine has slept.'))
      if (stream === current) extend(stream, moment, at)
    }
  }

  const greet = (stream: Stream, line: Readonly<Record<string, unknown>>, sentAt: Moment, at: number) => {
    if (typeof line['now'] !== 'number') return lose(stream, new NoAnswer('The stream has no clock.'))
    stream.translate = createTranslation(sentAt, line['now'])
    stream.toldSince = at
    learn(readRules(line['credentials']))
    if (!current) takeOver(stream)
  }

  /** With a gap before it. */
  const takeOver = (stream: Stream) => {
    current = stream
    next = null
    memory.clear(performance.now())
  }

  const extend = (stream: Stream, moment: number, at: Moment) => {
    const end = later(at, moment + boundMs - at.monotonic)
    if (end.monotonic > lease.monotonic) lease = end
    if (isBefore(at, end)) {
      stream.goodAt = at.monotonic
      waitMs = firstWaitMs
    }
    // What was committed before the next one began has been told by this one.
    if (next && next.toldSince <= moment) {
      current = next
      next = null
      stream.close()
    }
  }

  const lose = (stream: Stream, reason: NoAnswer) => {
    const isOurs = stream === current || stream === next
    const wasCurrent = stream === current
    if (wasCurrent) current = null
    if (stream === next) next = null
    stream.close()
    if (!isOurs || isClosed) return
    if (wasCurrent && next?.translate) takeOver(next)
    openAt = performance.now() + waitMs * (0.5 + Math.random())
    waitMs = Math.min(waitMs * 2, longestWaitMs)
    // A server that tells us nothing may answer still.
    learn(rules ?? usualRules)
    onError(reason)
  }

  const tick = () => {
    const at = performance.now()
    if (current && at - current.goodAt > silentMs)
      lose(current, new NoAnswer('The stream told of no recent moment.'))
    if (next && at - next.openedAt > handOverMs) lose(next, new NoAnswer('The stream did not begin in time.'))
    if (!next && at >= openAt && (!current || at - current.openedAt > renewMs)) open()
  }
  // Neither keeps the process alive.
  const ticking = setInterval(tick, tickMs).unref()
  open()

  return {
    isCurrent: (at) => isBefore(at, lease),
    wasHeard: (at, withinMs) => isBefore(at, later(lease, withinMs - boundMs)),
    get rules() {
      return rules
    },
    rulesWithin: (milliseconds) =>
      new Promise((resolve) => {
        const late = setTimeout(resolve, milliseconds)
        waiting.push(() => {
          clearTimeout(late)
          resolve()
        })
      }),
    close: () => {
      isClosed = true
      clearInterval(ticking)
      lease = never
      current?.close()
      next?.close()
      learn(rules ?? usualRules)
    },
  }
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((it) => typeof it === 'string') : []
}

function readRules(value: unknown): HeaderRules {
  if (!isObject(value) || typeof value['header'] !== 'string') return usualRules
  return {
    header: value['header'].toLowerCase(),
    takesBearers: value['takes_bearers'] === true,
    refusedQueryParameters: textsOf(value['refused_query_parameters']),
  }
}
