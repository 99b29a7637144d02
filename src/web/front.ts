// What is answered before Koa, straight on node:http: the paths that every request of an API goes. One step, its
// headers written once, one line in the log; the pages and the authorization server come after it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestId } from '../core/ids.ts'
import { asProblem } from '../core/problems.ts'
import { type Log, RequestLine, requestLines } from '../core/telemetry.ts'
import type { Soon } from '../lib/soon.ts'
import { ulid } from '../lib/ulid.ts'
import { pathOf } from './host.ts'

export interface FrontRequest {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly id: RequestId
  readonly line: RequestLine
}

export interface FrontAnswer {
  readonly status: number
  /** Names and values in turn, as `writeHead` takes them, without Content-Length: the front's own from then on. */
  readonly headers: string[]
  readonly body: string
  /** Whether it answers in its own time, on `res`: then nothing is written here. */
  readonly isOwn?: boolean
}

/** What stands behind a door; it turns what goes wrong into an answer itself. */
export type Handle = (request: FrontRequest) => Soon<FrontAnswer>

/** Whose request it is, by its address; null for somebody else's. */
export type Door = (req: IncomingMessage) => Handle | null

export interface FrontParts {
  /** The first that takes a request has it. */
  readonly doors: readonly Door[]
  readonly log: Log
  /** The header of an answer in which its request's id stands. */
  readonly requestIdHeader: string
}

interface Waiting {
  readonly request: FrontRequest
  readonly answer: FrontAnswer
  readonly startedAt: number
}

/** So many answers are written together at most: the first of them waits for the others. */
const mostTogether = 64

/** Answers what is behind one of the doors; false for all other requests, of which nothing has been read. */
export type Front = (req: IncomingMessage, res: ServerResponse) => boolean

export function createFront({ doors, log, requestIdHeader }: FrontParts): Front {
  const writeLine = requestLines(log)

  const send = ({ req, res, id, line }: FrontRequest, answer: FrontAnswer, startedAt: number) => {
    const { status, headers, body, isOwn } = answer
    if (isOwn !== true) {
      const length = Buffer.byteLength(body)
      headers.push(requestIdHeader, id)
      if (body !== '' || status !== 204) headers.push('Content-Length', String(length))
      res.writeHead(status, headers)
      if (req.method === 'HEAD' || status === 204) res.end()
      // Of a text without a character beyond ASCII it is known how long it is: written as Latin-1 it is copied, as
      // UTF-8 it is measured and converted.
      else res.end(body, length === body.length ? 'latin1' : 'utf8')
    }
    const ms = Math.round((performance.now() - startedAt) * 10) / 10
    writeLine({ id, method: req.method ?? '', path: pathOf(req), status, ms }, line)
  }
  /** A door that breaks: its own words for a fault are not known here. */
  const fail = (request: FrontRequest, thrown: unknown, startedAt: number) => {
    log.error({ request_id: request.id, err: asProblem(thrown) }, 'request failed')
    if (!request.res.headersSent) send(request, { status: 500, headers: [], body: '' }, startedAt)
    else request.res.destroy()
  }

  let waiting: Waiting[] = []
  const sendAll = () => {
    const all = waiting
    waiting = []
    for (const { request, answer, startedAt } of all) {
      try {
        send(request, answer, startedAt)
      } catch (thrown) {
        fail(request, thrown, startedAt)
      }
    }
  }
  /**
   * Answers to what came in one turn of the event loop are written one after the other at its end. One at a time each
   * would wake whoever reads it, who is asleep again before the next: with 32 connections on two cores that was a
   * third of a request's cost.
   */
  const sendSoon = (request: FrontRequest, answer: FrontAnswer, startedAt: number) => {
    if (waiting.length === 0) setImmediate(sendAll)
    waiting.push({ request, answer, startedAt })
    if (waiting.length >= mostTogether) sendAll()
  }

  return (req, res) => {
    for (const door of doors) {
      const handle = door(req)
      if (!handle) continue
      const startedAt = performance.now()
      const request: FrontRequest = { req, res, id: `req_${ulid()}`, line: new RequestLine() }
      try {
        const answer = handle(request)
        if (!(answer instanceof Promise)) sendSoon(request, answer, startedAt)
        else {
          answer.then(
            (it) => sendSoon(request, it, startedAt),
            (thrown) => fail(request, thrown, startedAt),
          )
        }
      } catch (thrown) {
        fail(request, thrown, startedAt)
      }
      return true
    }
    return false
  }
}
