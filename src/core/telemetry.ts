// The log: JSON lines by pino, with everything redacted that could be a credential.
import { writeSync } from 'node:fs'
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'
import { type ByteSink, gatheredLines, type Lines } from './gathered-lines.ts'
import type { GrantId, KeyId, OrganizationId } from './ids.ts'
import type { Mode } from './principal.ts'

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
    writeLast: (bytes) => {
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
      } catch {
        // Whoever would read it is gone or does not take it; and there is nobody left to tell.
      }
    },
  }
}

const linesOf = new WeakMap<Log, Lines>()

/** What every request's line says. */
export interface RequestFacts {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly status: number
  /** How long it took. */
  readonly ms: number
}

/** What the line of one request says beside that; never a secret, since nothing is taken out of it. */
export class RequestLine {
  /** The rest of the line, as JSON. */
  text = ''

  /** undefined is left out. */
  add(name: string, value: string | number | undefined): void {
    if (value === undefined) return
    this.text += `,"${name}":${typeof value === 'number' ? value : quoted(value)}`
  }

  /** At once, for it is in nearly each line; of all three no character needs escaping. */
  addPrincipal(principal: KeyId | GrantId, organization: OrganizationId, mode: Mode): void {
    this.text += `,"principal":"${principal}","organization":"${organization}","mode":"${mode}"`
  }
}

/**
 * Writes the line that each request has, as the log does, at a tenth of the cost. A fault of ours is a line of an error.
 */
export function requestLines(log: Log): (facts: RequestFacts, more: RequestLine) => void {
  const lines = linesOf.get(log)
  if (!lines) throw new Error('a log that createLog has not made')
  let moment = 0
  const begins = { info: '', error: '' }
  return ({ id, method, path, status, ms }, { text }) => {
    const level = status >= 500 ? 'error' : 'info'
    if (!log.isLevelEnabled(level)) return
    const now = Date.now()
    if (now !== moment) {
      moment = now
      const time = new Date(now).toISOString()
      begins.info = `{"level":"info","time":"${time}","request_id":"`
      begins.error = `{"level":"error","time":"${time}","request_id":"`
    }
    lines.writeAscii(
      `${begins[level]}${id}","method":"${method}","path":${quoted(path)},"status":${status},"ms":${ms}${text},"msg":"request"}\n`,
    )
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
