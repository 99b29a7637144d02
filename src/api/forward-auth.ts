// Forward-auth: a proxy asks about each request that it holds, and lets it pass on our 200. It is admitted as the API
// admits it; then the server behind the proxy is told by headers who is calling.
import type { IncomingMessage } from 'node:http'
import type { Operation } from '../core/contract.ts'
import type { Principal } from '../core/principal.ts'
import { asProblem, Problem } from '../core/problems.ts'
import type { Log } from '../core/telemetry.ts'
import type { Soon } from '../lib/soon.ts'
import { clientAddress } from '../web/client-address.ts'
import { envelopeOf } from '../web/envelope.ts'
import type { FrontAnswer, FrontRequest, Handle } from '../web/front.ts'
import { headerValue } from '../web/header-values.ts'
import type { ApiHosts } from '../web/host.ts'
import {
  type Admission,
  type AdmissionParts,
  type Admitted,
  type Asked,
  createAdmission,
  nothingLearned,
} from './admission.ts'
import { createAnswers } from './answer.ts'
import { readCertainPath } from './certain-path.ts'
import { type Forwarded, forwardAuthPath, readForwarded, unclear } from './forwarded-request.ts'
import { headerText, identityHeaders, nothing } from './identity-headers.ts'
import { tellWho } from './pipeline.ts'
import { createReadings } from './router.ts'

export interface ForwardAuthParts extends AdmissionParts {
  readonly log: Log
  readonly trustedProxies: number
  /** RFC 9728: where a client learns how to get a token; null where there are none. */
  readonly resourceMetadataUrl: string | null
  readonly publicUrl: string
  readonly hosts: ApiHosts
  /** Signs who is calling what, for servers that trust no header; null for no assertions. */
  readonly assert: ((who: Principal, operation: Operation) => Soon<string>) | null
}

/**
 * Where nginx asks, which hands on no answer but 401 and 403: refusals are 403, and told in headers. An address of its
 * own: the query is the client's wherever a proxy leaves it behind /verify, and so is what Envoy puts there.
 */
const nginxPath = `${forwardAuthPath}-nginx`

/** The door of the proxies' questions: /verify, /verify-nginx, and /verify/… with the path behind. Takes any method. */
export function forwardAuthDoor(parts: ForwardAuthParts): (req: IncomingMessage) => Handle | null {
  const handle = createForwardAuth(parts)
  return ({ url = '' }) => {
    if (!url.startsWith(forwardAuthPath)) return null
    const next = url[forwardAuthPath.length]
    return next === undefined || next === '/' || next === '?' || url === nginxPath ? handle : null
  }
}

function createForwardAuth(parts: ForwardAuthParts): Handle {
  const { profile, contract, hosts, log, trustedProxies, assert } = parts
  const envelope = envelopeOf(profile, parts.publicUrl)
  const answers = createAnswers({ ...parts, envelope, statusOf: statusOfRefusal })
  const admit = createAdmission(parts)
  const isReadAlike = createReadings(contract)
  const operationNames = new Map(contract.operations.map((it) => [it, headerText(it.id)]))
  let hasWarned = false

  const ask = (request: FrontRequest, learned: Admission): Soon<FrontAnswer> => {
    const { req, line } = request
    const forwarded = readForwarded(req)
    line.add('asked_method', forwarded.method)
    line.add('asked_path', forwarded.path)
    const question = new Question(req, forwarded, clientAddress(req, trustedProxies), hosts)
    if (trustedProxies === 0 && !hasWarned) {
      hasWarned = true
      log.warn('a proxy asks /verify, and TRUST_PROXY is 0: every client has the address of the proxy')
    }
    const admitted = admit(question, learned)
    if (!(admitted instanceof Promise)) return decide(request, question, learned, admitted)
    return admitted.then((it) => decide(request, question, learned, it))
  }

  /** @throws Problem unclear_request */
  const decide = (
    request: FrontRequest,
    question: Question,
    learned: Admission,
    admitted: Admitted | Problem,
  ): Soon<FrontAnswer> => {
    if (admitted instanceof Problem) return refuse(request, learned, admitted)
    const { who, operation } = admitted
    if (!isReadAlike(operation, question))
      throw unclear(`The path can be read as that of another operation than ${operation.id}.`)
    const headers = answers.common(learned)
    headers.push(...identityHeaders(who), 'X-Latchkey-Operation', operationNames.get(operation) ?? nothing)
    const assertion = assert ? assert(who, operation) : nothing
    if (!(assertion instanceof Promise)) return pass(headers, assertion)
    return assertion.then((it) => pass(headers, it))
  }

  const refuse = ({ req, id, line }: FrontRequest, learned: Admission, thrown: unknown): FrontAnswer => {
    const problem = asProblem(thrown)
    if (problem.status >= 500) log.error({ request_id: id, err: problem }, 'request failed')
    line.add('problem', problem.code)
    line.add('reason', problem.details.reason)
    const refusal = answers.problem(problem, learned, id)
    return req.url === nginxPath ? inHeaders(refusal) : refusal
  }

  const carryOut = (request: FrontRequest, learned: Admission): Soon<FrontAnswer> => {
    try {
      const answer = ask(request, learned)
      return answer instanceof Promise ? answer.catch((thrown) => refuse(request, learned, thrown)) : answer
    } catch (thrown) {
      return refuse(request, learned, thrown)
    }
  }

  return (request) => {
    const learned = nothingLearned()
    const answer = carryOut(request, learned)
    if (answer instanceof Promise) return answer.finally(() => tellWho(request.line, learned))
    tellWho(request.line, learned)
    return answer
  }
}

function pass(headers: string[], assertion: string): FrontAnswer {
  headers.push('X-Latchkey-Assertion', assertion)
  return { status: 200, headers, body: '' }
}

/** The request that a proxy holds, as admission asks about it. */
class Question implements Asked {
  readonly req: IncomingMessage
  readonly method: string
  /** An address that is not the API's is no operation's. */
  readonly path: string
  /** The same with its escapes read. */
  readonly decoded: string
  readonly query: URLSearchParams | null
  readonly address: string
  readonly userAgent: string | undefined
  readonly #forwarded: Forwarded
  readonly #hosts: ApiHosts

  /** @throws Problem unclear_request */
  constructor(req: IncomingMessage, forwarded: Forwarded, address: string, hosts: ApiHosts) {
    const { host, path } = forwarded
    const decoded = readCertainPath(path)
    this.req = req
    this.method = forwarded.method
    this.path = hosts.pathAt(host, path) ?? ''
    this.decoded = decoded === path ? this.path : (hosts.pathAt(host, decoded) ?? '')
    this.query = forwarded.query
    this.address = address
    this.userAgent = headerValue(req, 'user-agent')
    this.#forwarded = forwarded
    this.#hosts = hosts
  }

  publicAddress(): string {
    return this.#hosts.addressAt(this.#forwarded.host, this.#forwarded.path)
  }
}

/**
 * Proxies take some answers for faults of ours, and 404 or 405 are none that the address of a check can have: what the
 * client may not do is 403 whatever it is, and whatever is our fault is 503, which nobody lets pass.
 */
function statusOfRefusal(status: number): number {
  if (status >= 500) return 503
  return status === 400 || status === 401 || status === 429 ? status : 403
}

/** The whole answer in headers: ASCII, each once. */
function inHeaders({ status, headers, body }: FrontAnswer): FrontAnswer {
  const challenges: string[] = []
  const others: string[] = []
  for (let at = 0; at < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2)
    if (name === 'WWW-Authenticate') challenges.push(value)
    else if (name !== 'Content-Type') others.push(name, value)
  }
  if (challenges.length > 0) others.push('WWW-Authenticate', challenges.join(', '))
  const escaped = body.replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  others.push('X-Latchkey-Refusal-Status', String(status), 'X-Latchkey-Refusal-Body', escaped)
  return { status: 403, headers: others, body: '' }
}
