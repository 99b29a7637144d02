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
  return destination ? pino(options, destination) : pino(options)
}
