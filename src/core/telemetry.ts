// The log: JSON lines by pino, with everything redacted that could be a credential.
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'

export type Log = Logger

// Names under which a secret could come by, at the top or one level down (SECURITY K8).
const secretNames = [
  'authorization',
  '"x-api-key"',
  'cookie',
  '"set-cookie"',
  'code',
  'code_verifier',
  'access_token',
  'refresh_token',
  'client_secret',
  'password',
  'secret',
  'token',
]

/** A log at `level`, to standard output unless a test gives another destination. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const paths = secretNames.flatMap((name) =>
    name.startsWith('"') ? [`[${name}]`, `*[${name}]`] : [name, `*.${name}`],
  )
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths, censor: '[secret]' },
    serializers: { err: stdSerializers.errWithCause },
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const stream = destination ?? gathered(pino.destination(1))
  const log = pino(options, stream)
  streams.set(log, stream)
  return log
}

const streams = new WeakMap<Log, DestinationStream>()

/** What a line says beside what is said of every request; undefined is left out. */
export type LineFields = Readonly<Record<string, string | number | undefined>>

export interface RequestLine {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly status: number
  /** How long it took. */
  readonly ms: number
}

/**
 * Writes the line that each request has, as the log does, at a tenth of the cost: of texts and numbers, of which none can
 * be a secret, since nothing is taken out here. A fault of ours is a line of an error.
 */
export function requestLines(log: Log): (request: RequestLine, more: LineFields) => void {
  const stream = streams.get(log)
  if (!stream) throw new Error('a log that createLog has not made')
  let moment = 0
  let time = ''
  return ({ id, method, path, status, ms }, more) => {
    const level = status >= 500 ? 'error' : 'info'
    if (!log.isLevelEnabled(level)) return
    const now = Date.now()
    if (now !== moment) {
      moment = now
      time = new Date(now).toISOString()
    }
    let line = `{"level":"${level}","time":"${time}","request_id":"${id}","method":"${method}","path":${quoted(path)}`
    line += `,"status":${status},"ms":${ms}`
    for (const name in more) {
      const value = more[name]
      if (value !== undefined) line += `,"${name}":${typeof value === 'number' ? value : quoted(value)}`
    }
    stream.write(`${line},"msg":"request"}\n`)
  }
}

const needsEscaping = /[^ !#-[\]-~]/

const quoted = (text: string): string => (needsEscaping.test(text) ? JSON.stringify(text) : `"${text}"`)

/** So long may a line wait for others, in ms, and so many characters of them together. */
const longestWaitMs = 10
const mostWaiting = 64 * 1024

/**
 * Lines of some milliseconds, written together: a write costs more than the line. A process that is killed loses those
 * that still wait.
 */
function gathered(destination: DestinationStream): DestinationStream {
  let lines = ''
  const flush = () => {
    const text = lines
    lines = ''
    if (text !== '') destination.write(text)
  }
  process.on('exit', flush)
  return {
    write: (line) => {
      if (lines === '') setTimeout(flush, longestWaitMs)
      lines += line
      if (lines.length > mostWaiting) flush()
    },
  }
}
