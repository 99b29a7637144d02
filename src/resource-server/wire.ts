// HTTP to the server: a pool of connections that are kept for questions, and one connection for the stream of changes.
import * as http from 'node:http'
import * as https from 'node:https'
import { type Moment, now } from './moment.ts'

/** Why there was no answer. It holds neither a credential nor the secret. */
export class NoAnswer extends Error {
  /** Whether the connection broke, so that another one may do better. */
  readonly isBroken: boolean

  constructor(message: string, { isBroken = false, cause }: { isBroken?: boolean; cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.name = 'LatchkeyNoAnswer'
    this.isBroken = isBroken
  }
}

export interface WireAnswer {
  readonly text: string
  /** Before anything of the question was sent. */
  readonly sentAt: Moment
}

export interface LineReader {
  /** @param sentAt before anything of the request was sent */
  line(text: string, sentAt: Moment): void
  /** Once, whoever ended it. */
  end(reason: NoAnswer): void
}

export interface Wire {
  /** @throws NoAnswer, also for any answer but 200 */
  post(path: string, body: string, timeoutMs: number): Promise<WireAnswer>
  /** Reads an answer line by line. It keeps no process alive. @returns ends it */
  readLines(path: string, reader: LineReader): () => void
  close(): void
}

/** So many questions are on their way at once. */
export const connections = 4
/** No answer to a batch is longer, in bytes; no line of the stream is. */
const longestAnswer = 8 * 1024 * 1024
const connectWithinMs = 5000

export interface WireSettings {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
}

export function createWire({ url, clientId, clientSecret }: WireSettings): Wire {
  const { Agent, request } = url.startsWith('https:') ? https : http
  const pool = new Agent({ keepAlive: true, maxSockets: connections })
  // RFC 6749 section 2.3.1: both halves are form-encoded.
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)
  const authorization = `Basic ${basic.toString('base64')}`
  let isClosed = false

  const tryPost = (path: string, body: string, timeoutMs: number): Promise<WireAnswer> =>
    new Promise((resolve, reject) => {
      const sentAt = now()
      const headers = {
        Authorization: authorization,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
      }
      const fail = (cause: Error) => reject(asNoAnswer(cause))
      const req = request(url + path, { method: 'POST', agent: pool, headers }, (res) => {
        const chunks: Buffer[] = []
        let bytes = 0
        res.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          chunks.push(chunk)
          if (bytes > longestAnswer) req.destroy(new NoAnswer('Latchkey answered with too much.'))
        })
        res.on('error', fail)
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          if (res.statusCode === 200) resolve({ text, sentAt })
          else reject(refusalOf(res.statusCode, text))
        })
      })
      const late = setTimeout(
        () => req.destroy(new NoAnswer(`Latchkey did not answer within ${timeoutMs} ms.`)),
        timeoutMs,
      )
      req.on('error', fail)
      req.on('close', () => clearTimeout(late))
      req.end(body)
    })

  return {
    post: async (path, body, timeoutMs) => {
      const startedAt = performance.now()
      try {
        return await tryPost(path, body, timeoutMs)
      } catch (thrown) {
        // The server may have closed a connection that was kept at the moment at which it was used.
        const left = timeoutMs - (performance.now() - startedAt)
        if (!(thrown instanceof NoAnswer) || !thrown.isBroken || left < 1 || isClosed) throw thrown
        return await tryPost(path, body, left)
      }
    },
    readLines: (path, reader) => {
      const sentAt = now()
      let hasEnded = false
      const end = (cause: Error) => {
        if (hasEnded) return
        hasEnded = true
        clearTimeout(late)
        req.destroy()
        reader.end(asNoAnswer(cause))
      }
      const req = request(url + path, { agent: false, headers: { Authorization: authorization } }, (res) => {
        clearTimeout(late)
        let text = ''
        res.setEncoding('utf8')
        res.on('data', (chunk: string) => {
          text += chunk
          if (text.length > longestAnswer) return end(new NoAnswer('Latchkey sent a line that has no end.'))
          if (res.statusCode !== 200) return
          const lines = text.split('\n')
          text = lines.pop() ?? ''
          for (const line of lines) if (!hasEnded) reader.line(line, sentAt)
        })
        res.on('error', end)
        res.on('end', () =>
          end(
            res.statusCode === 200 ? new NoAnswer('The stream has ended.') : refusalOf(res.statusCode, text),
          ),
        )
      })
      const late = setTimeout(() => end(new NoAnswer('Latchkey opened no stream in time.')), connectWithinMs)
      late.unref()
      req.on('socket', (socket) => socket.unref())
      req.on('error', end)
      req.on('close', () => end(new NoAnswer('The stream was cut.')))
      req.end()
      return () => end(new NoAnswer('The stream was closed.'))
    },
    close: () => {
      isClosed = true
      pool.destroy()
    },
  }
}

function asNoAnswer(cause: Error): NoAnswer {
  if (cause instanceof NoAnswer) return cause
  return new NoAnswer(`Latchkey could not be asked: ${cause.message || cause.name}`, {
    isBroken: true,
    cause,
  })
}

function refusalOf(status: number | undefined, text: string): NoAnswer {
  const say = status === 401 ? 'clientId or clientSecret is wrong' : saidIn(text)
  return new NoAnswer(`Latchkey answered ${status}${say === '' ? '' : `: ${say}`}.`)
}

/** `error` of RFC 6749 section 5.2: of a few known words, so that nothing of what was sent can come back in it. */
function saidIn(text: string): string {
  return /"error":\s*"([a-z_]{1,40})"/.exec(text)?.[1] ?? ''
}
