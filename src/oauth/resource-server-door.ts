// The door that resource servers come to with their client_id and client_secret: who is let in, and how others are
// answered, in RFC 6749's form (section 5.2).
import type { IncomingMessage } from 'node:http'
import { asProblem } from '../core/problems.ts'
import type { Log } from '../core/telemetry.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import { clientAddress } from '../web/client-address.ts'
import type { FrontAnswer, FrontRequest } from '../web/front.ts'
import type { ResourceServers } from './known-resource-servers.ts'
import type { ResourceServer } from './resource-server.ts'
import { readPresented } from './resource-server-auth.ts'

export interface DoorParts {
  readonly resourceServers: ResourceServers
  readonly turnstile: Turnstile
  readonly log: Log
  readonly trustedProxies: number
}

/** Of one address, that could not say who asks; who can is not counted. */
export const introspectionRateClasses = {
  'introspection-refused': [{ requests: 60, seconds: 60 }],
} as const

/** A refusal in RFC 6749's form. */
export class Refusal extends Error {
  readonly status: number
  readonly error: string
  readonly say: string
  /** Names and values in turn. */
  readonly headers: readonly string[]

  constructor(status: number, error: string, say: string, headers: readonly string[] = []) {
    super(`${error}: ${say}`)
    this.status = status
    this.error = error
    this.say = say
    this.headers = headers
  }
}

export const invalidRequest = (say: string) => new Refusal(400, 'invalid_request', say)

/**
 * Who asks, by the header or, where there is one, the form.
 * @param what is asked for, as its realm
 * @throws Refusal; Problem rate_limit_exceeded for an address that could not say who it is too often
 */
export async function letIn(
  parts: DoorParts,
  req: IncomingMessage,
  form: URLSearchParams | null,
  what: string,
): Promise<ResourceServer> {
  const presented = readPresented(req, form)
  if (presented.kind === 'both') throw invalidRequest('say who asks in one way alone')
  const found = parts.resourceServers.authenticate(presented)
  const caller = found instanceof Promise ? await found : found
  if (caller) return caller
  await parts.turnstile.pass('introspection-refused', clientAddress(req, parts.trustedProxies), () => {})
  const say = `${what} is for resource servers that send their client_id and client_secret`
  const challenge = `Basic realm="${what}", charset="UTF-8"`
  throw new Refusal(401, 'invalid_client', say, ['WWW-Authenticate', challenge])
}

const fixed = ['Content-Type', 'application/json; charset=utf-8', 'Cache-Control', 'no-store'] as const

export function answerJson(body: string): FrontAnswer {
  return { status: 200, headers: [...fixed], body }
}

/** Whatever was thrown on the way, as an answer; what is our fault is logged. */
export function answerRefusal({ id, line }: FrontRequest, { log }: DoorParts, thrown: unknown): FrontAnswer {
  if (thrown instanceof Refusal) return written(thrown)
  const problem = asProblem(thrown)
  line.add('problem', problem.code)
  if (problem.status >= 500) {
    // Who asks must not take it for an answer: 503 says that it is none, and to ask again.
    log.error({ request_id: id, err: problem }, 'a resource server could not be answered')
    return written(new Refusal(503, 'temporarily_unavailable', 'try again', ['Retry-After', '1']))
  }
  if (problem.code !== 'rate_limit_exceeded') return written(invalidRequest(problem.say))
  const wait = ['Retry-After', String(problem.details.retryAfter ?? 1)]
  return written(new Refusal(429, 'temporarily_unavailable', problem.say, wait))
}

function written({ status, error, say, headers }: Refusal): FrontAnswer {
  const body = JSON.stringify({ error, error_description: say })
  return { status, headers: [...fixed, ...headers], body }
}
