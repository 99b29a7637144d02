// What the database tells of rows that others keep in memory: LISTEN on a connection of its own, past any pooler, and
// a lease that says how far what was heard can be relied on (decision 10).
import { randomBytes } from 'node:crypto'
import { Socket } from 'node:net'
import pg from 'pg'
import type { Log } from '../core/telemetry.ts'
import { answerWithin } from '../lib/answer-within.ts'
import { type Digest, type DigestText, textOf } from '../lib/digest.ts'
import { createGathering } from '../lib/gathering.ts'

export type Change =
  /** These ended, or are others than they were. */
  | { readonly kind: 'credentials'; readonly hashes: readonly DigestText[] }
  | { readonly kind: 'resource_servers' }
  /** Something may have been missed: nothing that was kept before may be relied on. */
  | { readonly kind: 'gap' }

export interface Changes {
  /**
   * Whether every change that was committed more than `leaseMs` ago has been heard: what is kept in memory may be
   * relied on. Asked at each use, since a process that was stopped does not know that it was.
   */
  isFresh(): boolean
  /** Everything committed before this moment of performance.now() has been heard. */
  asOf(): number
  /** Resolves when all that was committed before the call has been heard; where that fails, `isFresh` is false. */
  catchUp(): Promise<void>
  /** Calls `listener` for each change, in their order; the answer ends that. */
  onChange(listener: (change: Change) => void): () => void
  /** How many processes listen to this database, this one among them, as far as was last seen. */
  nodes(): number
  close(): Promise<void>
}

/** So long what was heard is relied on after the question that its last answer belongs to, in ms. */
export const leaseMs = 750
const askEveryMs = 200
/** A connection that has not answered for so long is given up, in ms. */
const patienceMs = 1000
const reconnectAfterMs = 100

const channel = 'latchkey_changes'
/** What a process tells that begins to listen: nothing has changed. */
const proof = 'proof'
/** By this name processes that listen are told from other connections. */
export const listenerName = 'latchkey node'

const countNodes = `select count(*)::int as nodes from pg_stat_activity
  where datname = current_database() and application_name = '${listenerName}'`

/** One connection that listens, with the socket that it stands on: a dead one can only be cut. */
interface Line {
  readonly client: pg.Client
  readonly socket: Socket
}

/**
 * Listens from now on, and goes on trying when the connection is lost. An answer to a question is preceded by all
 * that was committed before the question was sent (PostgreSQL delivers notifications before it says that it is ready
 * for more): so each answer renews the lease, from the moment of its sending.
 */
export function listenToChanges(settings: pg.ClientConfig, log: Log): Changes {
  const listeners = new Set<(change: Change) => void>()
  let line: Line | null = null
  let heard = never
  let nodes = 1
  let isClosed = false
  let wasLost = false
  /** Whether it was seen that what another connection tells is heard. */
  let isProven = false
  let wasDeaf = false

  const tell = (change: Change) => {
    for (const listener of listeners) listener(change)
  }
  const lose = (lost: Line, cause: unknown) => {
    lost.socket.destroy()
    if (line !== lost) return
    line = null
    heard = never
    wasLost = true
    if (!isClosed)
      log.warn({ err: cause }, 'the connection that hears of changes was lost; nothing is cached')
    tell({ kind: 'gap' })
    reconnectLater()
  }
  const reconnectLater = () => {
    if (!isClosed) setTimeout(() => void connect(), reconnectAfterMs).unref()
  }
  /** @throws where there is no answer */
  const ask = async (asked: Line, question: string) => {
    const moment = now()
    const { rows } = await asked.client.query<{ nodes?: number }>(question)
    // Answers come in the order of their questions: none is older than one before it.
    if (line === asked) heard = moment
    nodes = rows[0]?.nodes ?? nodes
  }
  // One question at a time, and who comes while one is under way shares the next with all others who do.
  const questions = createGathering<boolean, undefined>({
    atOnce: 1,
    most: 10_000,
    answer: async (countThem) => {
      const asked = line
      if (asked)
        await ask(asked, countThem.includes(true) ? countNodes : 'select').catch((cause: unknown) =>
          lose(asked, cause),
        )
      return countThem.map(() => undefined)
    },
  })
  /**
   * Behind a pooler questions are answered and nothing is ever heard, since each is somebody else's connection: such a
   * line must not renew the lease. @throws where what another connection tells does not arrive
   */
  const prove = async (client: pg.Client) => {
    const token = randomBytes(12).toString('hex')
    const arrived = new Promise<void>((resolve) => {
      client.on('notification', ({ payload }) => {
        if (payload === `${proof} ${token}`) resolve()
      })
    })
    const other = new pg.Client({
      ...settings,
      connectionTimeoutMillis: patienceMs * 2,
      query_timeout: patienceMs,
    })
    other.on('error', () => {})
    try {
      await other.connect()
      await other.query('select pg_notify($1, $2)', [channel, `${proof} ${token}`])
      await answerWithin(patienceMs, arrived).catch((cause: unknown) => {
        const hint = 'nothing is heard by DATABASE_URL_DIRECT, and nothing cached: is a pooler in between?'
        if (!wasDeaf) log.error({ err: cause }, hint)
        wasDeaf = true
        throw cause
      })
      isProven = true
    } finally {
      void other.end().catch(() => {}) // what can't be closed is closed already
    }
  }
  const connect = async () => {
    if (isClosed || line) return
    const socket = new Socket()
    const client = new pg.Client({
      ...settings,
      application_name: listenerName,
      connectionTimeoutMillis: patienceMs * 2,
      query_timeout: patienceMs,
      stream: () => socket,
    })
    const opened: Line = { client, socket }
    client.on('error', (cause) => lose(opened, cause))
    client.on('end', () => lose(opened, new Error('the connection was closed')))
    client.on('notification', ({ payload = '' }) => {
      if (!payload.startsWith(proof)) tell(readChange(payload))
    })
    try {
      await client.connect()
      await client.query(`listen ${channel}`)
      if (!isProven) await prove(client)
      if (isClosed) throw new Error('closed meanwhile')
      line = opened
      tell({ kind: 'gap' })
      await questions.ask(true)
      if (wasLost && line === opened) log.info('changes are heard again')
      if (line === opened) wasLost = false
    } catch (cause) {
      if (line === opened) lose(opened, cause)
      else {
        socket.destroy()
        reconnectLater()
      }
    }
  }
  const timer = setInterval(() => void questions.ask(true), askEveryMs).unref()
  const started = connect()

  return {
    isFresh: () =>
      performance.now() - heard.at < leaseMs &&
      // A machine that slept did not count the time: its wall clock tells.
      Date.now() - heard.wall < leaseMs,
    asOf: () => heard.at,
    catchUp: () => (line ? questions.ask(false) : Promise.resolve()),
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    nodes: () => Math.max(1, nodes),
    close: async () => {
      isClosed = true
      clearInterval(timer)
      await started
      const last = line
      line = null
      heard = never
      await last?.client.end().catch(() => {}) // what can't be closed is closed already
      last?.socket.destroy()
    },
  }
}

const never = { at: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY }
const now = () => ({ at: performance.now(), wall: Date.now() })

/** As the triggers of migration 005 write it; what they don't write is taken for the worst. */
function readChange(payload: string): Change {
  const [subject, ...hashes] = payload.split(' ')
  if (subject === 'resource_servers') return { kind: 'resource_servers' }
  if (subject !== 'credentials' || hashes.length === 0) return { kind: 'gap' }
  // Hashes of our own table, as PostgreSQL wrote them.
  return { kind: 'credentials', hashes: hashes.map((it) => textOf(Buffer.from(it, 'base64') as Digest)) }
}
