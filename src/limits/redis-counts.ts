// Counts that are common to all processes, in Redis: exact, one script call for all that is counted in one turn of
// the event loop. Where Redis does not answer, this process counts by itself, from what it knew.
import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Log } from '../core/telemetry.ts'
import { answerWithin } from '../lib/answer-within.ts'
import type { Secret } from '../lib/secret.ts'
import { secondMs } from '../lib/time.ts'
import type { Tallies } from './tallies.ts'
import { type RateClass, type Tally, type Verdict, verdictOf } from './tally.ts'

export interface RedisCounts {
  /** At once while Redis is away. */
  take(rateClass: RateClass, who: string): Verdict | Promise<Verdict>
  giveBack(rateClass: RateClass, who: string): Promise<void>
  close(): void
}

/** So long a request waits for Redis, in ms, before it is counted here. */
const answerMs = 100
/** So long nobody asks it again after it kept somebody waiting, in ms. */
const restMs = 1000
/** So long a new connection may take until it can be used, in ms: then another one is tried. */
const readyMs = 1000
/** While it is away it is tried again so often at least, in ms. */
const longestRetryMs = 500
/** Redis does nothing else while a script runs: some 7 µs for each of these. */
const mostAtOnce = 250

/**
 * KEYS: the subjects of one class. ARGV: the limit and the length in ms of each window. A value is the count and the
 * end of each window, in ms since 1970 by the clock of Redis: one key for each subject, which is half of what is kept and sent.
 */
const readScript = `
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function read(key)
  local counts, ends = {}, {}
  for count, finish in string.gmatch(redis.call('get', key) or '', '(%d+) (%d+)') do
    counts[#counts + 1], ends[#ends + 1] = tonumber(count), tonumber(finish)
  end
  for i = 1, #ARGV / 2 do
    local length = tonumber(ARGV[2 * i])
    if not ends[i] or ends[i] <= now or ends[i] > now + length then counts[i], ends[i] = 0, now + length end
  end
  return counts, ends
end
local function write(key, counts, ends)
  local value, last = {}, 0
  for i = 1, #counts do
    value[i] = string.format('%d %d', counts[i], ends[i])
    last = math.max(last, ends[i])
  end
  redis.call('set', key, table.concat(value, ' '), 'px', last - now)
end`

/**
 * Gives for each subject which window refused (0 for none), then the count and the ms left of each window. A request
 * is counted in all windows or in none.
 */
const countScript = `${readScript}
local answer = {}
for k = 1, #KEYS do
  local counts, ends = read(KEYS[k])
  local refused = 0
  for i = #counts, 1, -1 do
    if counts[i] >= tonumber(ARGV[2 * i - 1]) then refused = i end
  end
  answer[#answer + 1] = refused
  for i = 1, #counts do
    if refused == 0 then counts[i] = counts[i] + 1 end
    answer[#answer + 1] = counts[i]
    answer[#answer + 1] = ends[i] - now
  end
  if refused == 0 then write(KEYS[k], counts, ends) end
end
return answer`

const giveBackScript = `${readScript}
for k = 1, #KEYS do
  local counts, ends = read(KEYS[k])
  for i = 1, #counts do counts[i] = math.max(0, counts[i] - 1) end
  write(KEYS[k], counts, ends)
end`

interface Waiting {
  readonly tally: Tally
  readonly answer: (verdict: Verdict) => void
}

export function createRedisCounts(url: Secret, tallies: Tallies, log: Log): RedisCounts {
  const redis = connect(url)
  const run = createScripts(redis)
  let waiting = new Map<RateClass, Waiting[]>()
  let restsUntil = 0
  let isAway = false

  const away = (cause: unknown) => {
    restsUntil = performance.now() + restMs
    if (isAway) return
    isAway = true
    // Its words alone: an error of ioredis also carries the command, which may be the one with the password.
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
    log.warn({ reason }, 'Redis does not answer: each process counts the rate limits by itself')
  }
  const back = () => {
    if (isAway) log.info('Redis counts the rate limits again')
    isAway = false
  }
  // ioredis goes on trying by itself; without a listener each attempt's error would end the process.
  redis.on('error', away)
  // A proxy whose Redis is gone, or another server: it takes the connection, and says nothing for as long as that lasts.
  let untilReady: NodeJS.Timeout | undefined
  redis.on('connect', () => {
    clearTimeout(untilReady)
    untilReady = setTimeout(() => {
      away(new Error(`it takes connections, and says nothing within ${readyMs} ms`))
      redis.disconnect(true)
    }, readyMs).unref()
  })
  for (const end of ['ready', 'close']) redis.on(end, () => clearTimeout(untilReady))
  const isUsable = () => redis.status === 'ready' && performance.now() >= restsUntil

  /** A command of whose connection nothing more is hoped once it is late: the next one is asked of a new one. */
  const ask = async (script: Script, keys: readonly string[], args: readonly number[]) => {
    try {
      const answer = await answerWithin(answerMs, run(script, keys, args))
      back()
      return answer
    } catch (cause) {
      if (isUsable()) redis.disconnect(true)
      away(cause)
      return null
    }
  }

  const count = async (rateClass: RateClass, batch: readonly Waiting[]) => {
    const keys = batch.map(({ tally }) => keyOf(rateClass, tally.who))
    const numbers = await ask(counting, keys, argumentsOf(rateClass))
    const now = Date.now()
    let at = 0
    for (const { tally, answer } of batch) {
      if (!numbers) {
        answer(tallies.take(rateClass, tally.who))
        continue
      }
      const refusedBy = numbers[at] ?? 0
      at += 1
      // Also what this process goes on from, should Redis go away.
      for (const known of tally.counts) {
        known.count = numbers[at] ?? 0
        known.endsAt = now + Math.max(0, numbers[at + 1] ?? 0)
        at += 2
      }
      answer(verdictOf(tally, refusedBy === 0 ? null : refusedBy - 1, now))
    }
  }
  const flush = () => {
    const all = waiting
    waiting = new Map()
    for (const [rateClass, some] of all)
      for (let at = 0; at < some.length; at += mostAtOnce)
        void count(rateClass, some.slice(at, at + mostAtOnce))
  }

  return {
    take: (rateClass, who) => {
      if (!isUsable()) return tallies.take(rateClass, who)
      const tally = tallies.of(rateClass, who, Date.now())
      return new Promise((answer) => {
        if (waiting.size === 0) setImmediate(flush)
        const others = waiting.get(rateClass)
        if (others) others.push({ tally, answer })
        else waiting.set(rateClass, [{ tally, answer }])
      })
    },
    giveBack: async (rateClass, who) => {
      tallies.giveBack(rateClass, who)
      if (!isUsable()) return
      await ask(givingBack, [keyOf(rateClass, who)], argumentsOf(rateClass))
    },
    close: () => redis.disconnect(),
  }
}

/** With the lengths of the windows: after they are changed the counts begin anew. */
function keyOf({ name, windows }: RateClass, who: string): string {
  let key = `latchkey:${name}:`
  for (const { seconds } of windows) key += `${seconds}:`
  return key + who
}

function argumentsOf({ windows }: RateClass): readonly number[] {
  return windows.flatMap(({ requests, seconds }) => [requests, seconds * secondMs])
}

interface Script {
  readonly text: string
  readonly digest: string
}

const scriptOf = (text: string): Script => ({ text, digest: createHash('sha1').update(text).digest('hex') })
const counting = scriptOf(countScript)
const givingBack = scriptOf(giveBackScript)

/** Runs a script by its digest; a Redis that does not know it yet is told its text. */
function createScripts(redis: Redis) {
  return async (
    { text, digest }: Script,
    keys: readonly string[],
    args: readonly number[],
  ): Promise<readonly number[]> => {
    const values = [...keys, ...args]
    const answer = await redis.evalsha(digest, keys.length, ...values).catch((cause: unknown) => {
      if (!(cause instanceof Error) || !cause.message.startsWith('NOSCRIPT')) throw cause
      return redis.eval(text, keys.length, ...values)
    })
    return Array.isArray(answer) ? answer.map(Number) : []
  }
}

function connect(url: Secret): Redis {
  return new Redis(url.reveal(), {
    enableOfflineQueue: false,
    // What was under way when a connection ended was counted here: nothing is sent twice.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 1000,
    disconnectTimeout: answerMs,
    retryStrategy: (times) => Math.min(times * 50, longestRetryMs),
    // A replica that was the primary until now: the address leads to another one.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  })
}
