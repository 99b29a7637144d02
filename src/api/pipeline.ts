// The API: a request is admitted, its operation run, and the answer shown in the profile's envelope.
import type { IncomingMessage } from 'node:http'
import { actorOf } from '../core/attribution.ts'
import type { Operation } from '../core/contract.ts'
import type { Answer, Call, Handlers } from '../core/handler.ts'
import type { RequestId } from '../core/ids.ts'
import { type Principal, requirePlatform, requireScopes } from '../core/principal.ts'
import { asProblem, Problem } from '../core/problems.ts'
import type { Log, RequestLine } from '../core/telemetry.ts'
import { Secret } from '../lib/secret.ts'
import type { Soon } from '../lib/soon.ts'
import { readJson } from '../web/body.ts'
import { clientAddress } from '../web/client-address.ts'
import { envelopeOf } from '../web/envelope.ts'
import type { FrontAnswer, FrontRequest } from '../web/front.ts'
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
import { createAnswers, jsonType } from './answer.ts'

export interface ApiParts extends AdmissionParts {
  readonly handlers: Handlers
  readonly log: Log
  readonly trustedProxies: number
  /** RFC 9728: where a client learns how to get a token; null where there are none. */
  readonly resourceMetadataUrl: string | null
  readonly publicUrl: string
  readonly hosts: ApiHosts
  /** Resolves when what this process has changed is known to whatever keeps credentials in memory. */
  readonly caughtUp: () => Promise<void>
}

/** Answers everything that is the API's, by its path as the contract writes it. */
export type Api = (request: FrontRequest, path: string) => Soon<FrontAnswer>

export function createApi(parts: ApiParts): Api {
  const { profile, handlers, log, hosts, trustedProxies } = parts
  const envelope = envelopeOf(profile, parts.publicUrl)
  const answers = createAnswers({ ...parts, envelope })
  const admit = createAdmission(parts)

  const run = (
    request: FrontRequest,
    asked: ApiRequest,
    learned: Admission,
    admitted: Admitted | Problem,
  ): Soon<FrontAnswer> => {
    if (admitted instanceof Problem) return refuse(request, learned, admitted)
    const { req, id } = request
    const { who, operation, params } = admitted
    // PostgreSQL keeps no such text, so nothing can be found by it.
    for (const name in params) if (params[name]?.includes('\0')) throw new Problem('resource_not_found')
    const given: Given = {
      params,
      query: operation.readQuery(asked.query ? Object.fromEntries(asked.query) : {}),
      attribution: { actor: actorOf(who), address: asked.address, requestId: id },
      idempotencyKey: headerValue(req, 'idempotency-key') || null,
      credential: new Secret(learned.secret ?? ''),
    }
    const answer = operation.readBody
      ? readBody(asked, operation, operation.readBody, given.credential).then((body) =>
          call(operation, who, given, body),
        )
      : call(operation, who, given, {})
    if (answer instanceof Promise) return answer.then((it) => show(it, operation, learned, asked, id))
    return show(answer, operation, learned, asked, id)
  }

  const readBody = async (
    { req, address }: ApiRequest,
    { requiresBody }: Operation,
    read: NonNullable<Operation['readBody']>,
    credential: Secret,
  ): Promise<Call['body']> => {
    const { 'transfer-encoding': encoding, 'content-length': length } = req.headers
    const isLeftOut = !requiresBody && !encoding && Number(length ?? 0) === 0
    const body = read(isLeftOut ? {} : await readJson(req))
    // A body may be sent as slowly as its sender likes: what was good at its start may have ended since.
    const who = await parts.validate(credential.reveal(), address, parts.audience)
    if (who.kind === 'refused') throw who.problem
    return body
  }

  /** The operation's handler, with the proof that this principal may call it. */
  const call = (operation: Operation, who: Principal, given: Given, body: Call['body']): Soon<Answer> => {
    if (operation.credential === 'platform') {
      const handler = handlers.platform.get(operation.id)
      if (!handler) throw new Error(`nobody carries out ${operation.id}`)
      return handler(inputOf(requirePlatform(who), given, body))
    }
    const handler = handlers.tenant.get(operation.id)
    if (!handler) throw new Error(`nobody carries out ${operation.id}`)
    return handler(inputOf(requireScopes(who, operation), given, body))
  }

  const show = (
    answer: Answer,
    { descriptions }: Operation,
    learned: Admission,
    asked: ApiRequest,
    id: RequestId,
  ): FrontAnswer => {
    asked.hasChanged = !(answer.kind === 'item' && answer.isAddition === true)
    if (answer.kind === 'nothing') return { status: 204, headers: answers.common(learned), body: '' }
    const status = answer.kind === 'item' ? answer.status : 200
    const success = { status, message: descriptions[status] ?? '', requestId: id }
    const body = answer.kind === 'item' ? envelope.item(answer.item, success) : envelope.list(answer, success)
    const headers = answers.common(learned, jsonType)
    if (answer.kind === 'list' && answer.nextCursor !== null && profile.pagination.style === 'link')
      headers.push('Link', `<${nextAddress(asked.req, hosts, answer.nextCursor)}>; rel="next"`)
    return { status, headers, body: JSON.stringify(body) }
  }

  const refuse = ({ id, line }: FrontRequest, learned: Admission, thrown: unknown): FrontAnswer => {
    const problem = asProblem(thrown)
    if (problem.status >= 500) log.error({ request_id: id, err: problem }, 'request failed')
    line.add('problem', problem.code)
    line.add('reason', problem.details.reason)
    return answers.problem(problem, learned, id)
  }

  const tell = ({ line }: FrontRequest, learned: Admission, answer: FrontAnswer): FrontAnswer => {
    tellWho(line, learned)
    return answer
  }
  const finish = async (
    request: FrontRequest,
    asked: ApiRequest,
    learned: Admission,
    answer: FrontAnswer,
  ): Promise<FrontAnswer> => {
    if (asked.hasChanged) await parts.caughtUp()
    return tell(request, learned, answer)
  }
  const whenAnswered = async (
    request: FrontRequest,
    asked: ApiRequest,
    learned: Admission,
    answer: Promise<FrontAnswer>,
  ): Promise<FrontAnswer> => {
    const made = await answer.catch((thrown) => refuse(request, learned, thrown))
    return isRead(request.req) ? tell(request, learned, made) : await finish(request, asked, learned, made)
  }
  // Each promise that is waited for costs a request as much as a step of the check: there is no more than is needed.
  const whenAdmitted = async (
    request: FrontRequest,
    asked: ApiRequest,
    learned: Admission,
    admitted: Promise<Admitted | Problem>,
  ): Promise<FrontAnswer> => {
    let answer: Soon<FrontAnswer>
    try {
      answer = run(request, asked, learned, await admitted)
    } catch (thrown) {
      answer = refuse(request, learned, thrown)
    }
    if (answer instanceof Promise) return await whenAnswered(request, asked, learned, answer)
    return isRead(request.req)
      ? tell(request, learned, answer)
      : await finish(request, asked, learned, answer)
  }

  return (request, path) => {
    const { req } = request
    const learned = nothingLearned()
    const asked = new ApiRequest(req, path, clientAddress(req, trustedProxies), hosts)
    let answer: Soon<FrontAnswer>
    try {
      const admitted = admit(asked, learned)
      if (admitted instanceof Promise) return whenAdmitted(request, asked, learned, admitted)
      answer = run(request, asked, learned, admitted)
    } catch (thrown) {
      answer = refuse(request, learned, thrown)
    }
    if (answer instanceof Promise) return whenAnswered(request, asked, learned, answer)
    return isRead(req) ? tell(request, learned, answer) : finish(request, asked, learned, answer)
  }
}

/** One request, as admission asks about it. */
class ApiRequest implements Asked {
  readonly req: IncomingMessage
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams | null
  readonly address: string
  readonly userAgent: string | undefined
  /** Whether anything may be another than it was: what went wrong, too, may have done something before it did. */
  hasChanged = true
  readonly #hosts: ApiHosts

  constructor(req: IncomingMessage, path: string, address: string, hosts: ApiHosts) {
    this.req = req
    this.method = req.method ?? ''
    this.path = path
    this.query = queryOf(req)
    this.address = address
    this.userAgent = headerValue(req, 'user-agent')
    this.#hosts = hosts
  }

  publicAddress(): string {
    return this.#hosts.addressOf(this.req)
  }
}

/** What an operation is given beside who calls it and the body. */
type Given = Omit<Call, 'caller' | 'body'>

/** Field by field: a spread makes a new hidden class at each request, which stays in memory for long after it. */
function inputOf<Caller>(caller: Caller, given: Given, body: Call['body']) {
  const { params, query, attribution, idempotencyKey, credential } = given
  return { caller, params, query, body, attribution, idempotencyKey, credential }
}

/** What the line in the log says of whose request it was. */
export function tellWho(line: RequestLine, { who }: Admission): void {
  if (!who) return
  if (who.kind === 'platform_key') line.add('principal', who.platform)
  else line.addPrincipal(who.kind === 'api_key' ? who.key : who.grant, who.organization, who.mode)
}

const isRead = ({ method }: IncomingMessage) => method === 'GET' || method === 'HEAD' || method === 'OPTIONS'

function queryOf({ url = '' }: IncomingMessage): URLSearchParams | null {
  const at = url.indexOf('?')
  return at < 0 ? null : new URLSearchParams(url.slice(at + 1))
}

/** RFC 8288: the page after this one, with everything else that was asked for. */
function nextAddress(req: IncomingMessage, hosts: ApiHosts, cursor: string): string {
  const query = queryOf(req) ?? new URLSearchParams()
  query.set('cursor', cursor)
  return `${hosts.addressOf(req)}?${query}`
}
