// The API: a request is admitted, its operation run, and the answer shown in the profile's envelope.
import type { IncomingMessage } from 'node:http'
import { actorOf } from '../core/attribution.ts'
import type { Operation } from '../core/contract.ts'
import type { Answer, Call, Handlers } from '../core/handler.ts'
import { type Principal, principalId, requirePlatform, requireScopes } from '../core/principal.ts'
import { asProblem, Problem } from '../core/problems.ts'
import type { Log } from '../core/telemetry.ts'
import { Secret } from '../lib/secret.ts'
import { readJson } from '../web/body.ts'
import { clientAddress } from '../web/client-address.ts'
import { envelopeOf } from '../web/envelope.ts'
import type { FrontAnswer, FrontRequest } from '../web/front.ts'
import { headerValue } from '../web/header-values.ts'
import type { ApiHosts } from '../web/host.ts'
import { type Admission, type AdmissionParts, createAdmission, nothingLearned } from './admission.ts'
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
export type Api = (request: FrontRequest, path: string) => Promise<FrontAnswer>

export function createApi(parts: ApiParts): Api {
  const { profile, handlers, log, hosts } = parts
  const envelope = envelopeOf(profile, parts.publicUrl)
  const answers = createAnswers({ ...parts, envelope })
  const admit = createAdmission(parts)

  const run = async ({ req, id }: FrontRequest, path: string, learned: Admission): Promise<FrontAnswer> => {
    const query = queryOf(req)
    const address = clientAddress(req, parts.trustedProxies)
    const asked = {
      req,
      method: req.method ?? '',
      path,
      query,
      address,
      userAgent: headerValue(req, 'user-agent'),
      publicAddress: () => hosts.addressOf(req),
    }
    const { who, operation, params } = await admit(asked, learned)
    // PostgreSQL keeps no such text, so nothing can be found by it.
    for (const name in params) if (params[name]?.includes('\0')) throw new Problem('resource_not_found')
    const credential = new Secret(learned.secret ?? '')
    let body: Call['body'] = {}
    if (operation.readBody) {
      body = await readBody(req, operation, operation.readBody)
      // A body may be sent as slowly as its sender likes: what was good at its start may have ended since.
      await parts.validate(credential.reveal(), address, parts.audience)
    }
    const input = {
      params,
      query: operation.readQuery(query ? Object.fromEntries(query) : {}),
      body,
      attribution: { actor: actorOf(who), address, requestId: id },
      idempotencyKey: headerValue(req, 'idempotency-key') || null,
      credential,
    }
    const running = call(operation, who, input)
    const answer = running instanceof Promise ? await running : running
    return show(answer, operation, learned, { req, id })
  }

  /** The operation's handler, with the proof that this principal may call it. */
  const call = (
    operation: Operation,
    who: Principal,
    input: Omit<Call, 'caller'>,
  ): Answer | Promise<Answer> => {
    if (operation.credential === 'platform') {
      const handler = handlers.platform.get(operation.id)
      if (!handler) throw new Error(`nobody carries out ${operation.id}`)
      return handler({ ...input, caller: requirePlatform(who) })
    }
    const handler = handlers.tenant.get(operation.id)
    if (!handler) throw new Error(`nobody carries out ${operation.id}`)
    return handler({ ...input, caller: requireScopes(who, operation) })
  }

  const show = (
    answer: Answer,
    { descriptions }: Operation,
    learned: Admission,
    { req, id }: Pick<FrontRequest, 'req' | 'id'>,
  ): FrontAnswer => {
    if (answer.kind === 'nothing') return { status: 204, headers: answers.common(learned), body: '' }
    const status = answer.kind === 'item' ? answer.status : 200
    const success = { status, message: descriptions[status] ?? '', requestId: id }
    const body = answer.kind === 'item' ? envelope.item(answer.item, success) : envelope.list(answer, success)
    const headers = ['Content-Type', jsonType, ...answers.common(learned)]
    if (answer.kind === 'list' && answer.nextCursor !== null && profile.pagination.style === 'link')
      headers.push('Link', `<${nextAddress(req, hosts, answer.nextCursor)}>; rel="next"`)
    return { status, headers, body: JSON.stringify(body) }
  }

  return async (request, path) => {
    const { req, id, line } = request
    const learned = nothingLearned()
    try {
      return await run(request, path, learned)
    } catch (thrown) {
      const problem = asProblem(thrown)
      if (problem.status >= 500) log.error({ request_id: id, err: problem }, 'request failed')
      line['problem'] = problem.code
      line['reason'] = problem.details.reason
      return answers.problem(problem, learned, id)
    } finally {
      tellWho(line, learned)
      if (!isRead(req)) await parts.caughtUp()
    }
  }
}

function tellWho(line: FrontRequest['line'], { who }: Admission): void {
  if (!who) return
  line['principal'] = principalId(who)
  if (who.kind === 'platform_key') return
  line['organization'] = who.organization
  line['mode'] = who.mode
}

const isRead = ({ method }: IncomingMessage) => method === 'GET' || method === 'HEAD' || method === 'OPTIONS'

function queryOf({ url = '' }: IncomingMessage): URLSearchParams | null {
  const at = url.indexOf('?')
  return at < 0 ? null : new URLSearchParams(url.slice(at + 1))
}

async function readBody(
  req: IncomingMessage,
  { requiresBody }: Operation,
  read: NonNullable<Operation['readBody']>,
): Promise<Call['body']> {
  const { 'transfer-encoding': encoding, 'content-length': length } = req.headers
  const isLeftOut = !requiresBody && !encoding && Number(length ?? 0) === 0
  return read(isLeftOut ? {} : await readJson(req))
}

/** RFC 8288: the page after this one, with everything else that was asked for. */
function nextAddress(req: IncomingMessage, hosts: ApiHosts, cursor: string): string {
  const query = queryOf(req) ?? new URLSearchParams()
  query.set('cursor', cursor)
  return `${hosts.addressOf(req)}?${query}`
}
