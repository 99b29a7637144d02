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
  return pino(options, destination ?? gathered(pino.destination(1)))
}

/**
 * Lines of one turn of the event loop, written together: a write costs more than the line. A process that is killed
 * loses those of its last turn.
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
      if (lines === '') setImmediate(flush)
      lines += line
    },
  }
}
