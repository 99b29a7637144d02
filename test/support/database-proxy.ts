// Stands between a server and its PostgreSQL, and sees each statement go by, as it is truly sent: BEGIN and COMMIT
// too. It can stop at any one of them, before the database has heard it, or when the database has carried it out
// and nobody has heard of it. No promises of its own.
import { once } from 'node:events'
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** One round trip: a simple query, or an extended one up to its Sync. */
export interface Statement {
  /** Of a named statement; '' for any other. */
  readonly name: string
  readonly text: string
  /** Which connection it came by. */
  readonly connection: number
}

/** What a server does by itself, whoever asks: it seals the ledger, listens to what others change, and reads shapes of keys. */
export const isOfTheSealer = ({ name, text }: Statement) =>
  name === 'imported-key-shapes' ||
  (name === '' &&
    (/^(begin|commit|rollback);?$/i.test(text) ||
      /pg_try_advisory_xact_lock|audit_unsealed u\b|audit_seals|pg_stat_activity|^listen /.test(text)))

export type Moment = 'before' | 'after'

export interface DatabaseProxy {
  /** The database's address by way of the proxy. */
  readonly url: string
  /** All that went by so far. */
  readonly seen: readonly Statement[]
  /**
   * At the statement that `isIt` says: calls `then` at that moment, and lets nothing pass any more, either way.
   * Resolves when that has happened.
   */
  stopAt(isIt: (statement: Statement) => boolean, moment: Moment, then: () => void): Promise<void>
  /** Lets new connections pass again; those that were stopped are cut. */
  readonly resume: () => void
}

interface Stop {
  readonly isIt: (statement: Statement) => boolean
  readonly moment: Moment
  readonly happen: () => void
}

interface Wire {
  connections: number
  readonly seen: Statement[]
  stop: Stop | null
  isStopped: boolean
}

export async function startDatabaseProxy(t: TestContext, databaseUrl: string): Promise<DatabaseProxy> {
  const wire: Wire = { connections: 0, seen: [], stop: null, isStopped: false }
  const sockets = new Set<Socket>()
  const proxy = createServer((server) => {
    const database = connect(placeOf(databaseUrl))
    for (const socket of [server, database]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        server.destroy()
        database.destroy()
      })
    }
    relay(wire, server, database)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
    await once(proxy, 'close')
  })
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  url.searchParams.delete('host')
  return {
    url: url.href,
    seen: wire.seen,
    resume: () => {
      for (const socket of sockets) socket.destroy()
      wire.isStopped = false
    },
    stopAt: (isIt, moment, then) =>
      new Promise((resolve) => {
        const happen = () => {
          wire.isStopped = true
          then()
          resolve()
        }
        wire.stop = { isIt, moment, happen }
      }),
  }
}

function relay(wire: Wire, server: Socket, database: Socket): void {
  wire.connections += 1
  const connection = wire.connections
  const prepared = new Map<string, string>()
  let isStarted = false
  let unit: Buffer[] = []
  let statement: Statement = { name: '', text: '', connection }
  /** The statement of this connection after whose answer all is to stop. */
  let stopAfterAnswer: Stop | null = null

  const readRequest = framesOf((frame, type) => {
    if (wire.isStopped) return
    unit.push(frame)
    const body = frame.subarray(5)
    if (type === 'P') {
      const [name, text] = stringsOf(body)
      prepared.set(name, text)
      statement = { name, text, connection }
    } else if (type === 'B') {
      const name = stringsOf(body)[1]
      statement = { name, text: prepared.get(name) ?? '', connection }
    } else if (type === 'Q') {
      statement = { name: '', text: stringsOf(body)[0], connection }
    }
    if (type !== 'Q' && type !== 'S') return
    const { stop } = wire
    wire.seen.push(statement)
    if (stop?.isIt(statement)) {
      wire.stop = null
      if (stop.moment === 'before') return stop.happen()
      stopAfterAnswer = stop
    }
    database.write(Buffer.concat(unit))
    unit = []
  })

  const readAnswer = framesOf((frame, type) => {
    if (wire.isStopped) return undefined
    if (!stopAfterAnswer) return server.write(frame)
    // ReadyForQuery: the database has done it, to the last row and the commit.
    return type === 'Z' ? stopAfterAnswer.happen() : undefined
  })

  server.on('data', (chunk: Buffer) => {
    if (isStarted) return readRequest(chunk)
    // The first message, and the exchange about a password, have no statement in them.
    database.write(chunk)
  })
  database.on('data', (chunk: Buffer) => {
    isStarted ||= isReady(chunk)
    readAnswer(chunk)
  })
}

/** Signed in: ReadyForQuery is the last thing that is said until a statement comes. */
const isReady = (chunk: Buffer) =>
  chunk.length >= 6 && chunk.at(-6) === 0x5a && chunk.readInt32BE(chunk.length - 5) === 5

/** Cuts a stream into the messages of PostgreSQL's protocol: a letter, a length, a body. */
function framesOf(each: (frame: Buffer, type: string) => unknown): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5) {
      const length = 1 + rest.readInt32BE(1)
      if (rest.length < length) return
      const frame = rest.subarray(0, length)
      rest = rest.subarray(length)
      each(frame, String.fromCharCode(frame[0] ?? 0))
    }
  }
}

/** The first two of its strings, which end with a zero. */
function stringsOf(body: Buffer): [string, string] {
  const first = body.indexOf(0)
  return [body.toString('utf8', 0, first), body.toString('utf8', first + 1, body.indexOf(0, first + 1))]
}

function placeOf(databaseUrl: string): NetConnectOpts {
  const url = new URL(databaseUrl)
  const folder = url.searchParams.get('host')
  const port = Number(url.port || 5432)
  return folder ? { path: `${folder}/.s.PGSQL.${port}` } : { host: url.hostname, port }
}
