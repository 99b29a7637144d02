// The log: JSON lines by pino, with everything redacted that could be a credential.
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'
import { type ByteSink, gatheredLines, type Lines } from './gathered-lines.ts'

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
  const lines = destination
    ? { write: destination.write.bind(destination), writeAscii: destination.write.bind(destination) }
    : gatheredLines(standardOutput())
  const log = pino(options, lines)
  linesOf.set(log, lines)
  return log
}

function standardOutput(): ByteSink {
  const output = pino.destination({ dest: 1, contentMode: 'buffer' })
  return {
    // Its types know of texts alone, which is what it takes in the other content mode.
    write: (bytes) => output.write(bytes as unknown as string),
    flushSync: () => output.flushSync(),
  }
}

const linesOf = new WeakMap<Log, Lines>()

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
  const lines = linesOf.get(log)
  if (!lines) throw new Error('a log that createLog has not made')
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
    lines.writeAscii(`${line},"msg":"request"}\n`)
  }
}

const needsEscaping = /[^ !#-[\]-~]/

const quoted = (text: string): string => (needsEscaping.test(text) ? inAscii(text) : `"${text}"`)

/** JSON of ASCII alone (RFC 8259 section 7). */
function inAscii(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
