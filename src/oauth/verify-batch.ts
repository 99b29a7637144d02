// POST /verify/batch: what up to 1,000 credentials are, in one answer. Each is described as by introspection; those that
// are in memory cost no look-up, and all others one together.
import type { Principal, TenantPrincipal } from '../core/principal.ts'
import { ProofMistake, type Proofs } from '../credentials/dpop.ts'
import type { LastUse } from '../credentials/last-use.ts'
import type { Refused, Validate } from '../credentials/validator.ts'
import type { Changes } from '../db/changes.ts'
import type { Clock } from '../lib/time.ts'
import { readText } from '../web/body.ts'
import type { FrontAnswer, FrontRequest } from '../web/front.ts'
import { headerValue } from '../web/header-values.ts'
import { type BatchItem, readBatch } from './batch-items.ts'
import { describeCredential, inactive, meantFor } from './credential-description.ts'
import type { ResourceServer } from './resource-server.ts'
import {
  answerJson,
  answerRefusal,
  type DoorParts,
  invalidRequest,
  letIn,
  Refusal,
} from './resource-server-door.ts'

export interface VerifyBatchParts extends DoorParts {
  readonly validate: Validate
  /** The resource that our own API is. */
  readonly audience: string
  /** The authorization server: `iss`. */
  readonly issuer: string
  readonly noteUse: LastUse['note']
  readonly proofs: Proofs
  readonly changes: Pick<Changes, 'isFresh' | 'asOf'>
  readonly clock: Clock
}

export const batchPath = '/verify/batch'

const mostBytes = 1024 * 1024
const notActive = JSON.stringify(inactive)

export function verifyBatch(parts: VerifyBatchParts): (request: FrontRequest) => Promise<FrontAnswer> {
  const verify = createVerify(parts)
  return async (request) => {
    const { req, line } = request
    try {
      if (req.method !== 'POST') {
        throw new Refusal(405, 'invalid_request', 'verification is asked for by POST', ['Allow', 'POST'])
      }
      if (!/^application\/json\s*(;|$)/i.test(headerValue(req, 'content-type') ?? ''))
        throw invalidRequest('send the body as application/json')
      const caller = await letIn(parts, req, null, 'verification')
      line.add('resource_server', caller.id)
      const items = readBatch(await readText(req, mostBytes))
      line.add('credentials', items.length)
      return answerJson(await verify(items, caller))
    } catch (thrown) {
      return answerRefusal(request, parts, thrown)
    }
  }
}

function createVerify(parts: VerifyBatchParts) {
  const { validate, audience, issuer, noteUse, changes, clock } = parts
  const describe = createDescriptions(issuer)

  const show = (
    item: BatchItem,
    found: Principal | Refused,
    caller: ResourceServer,
  ): string | Promise<string> => {
    const who = found.kind === 'refused' ? null : meantFor(found, caller, audience)
    if (!who) return notActive
    const told = describe(who, caller)
    if (who.kind === 'access_token' && who.dpopThumbprint !== null) {
      return takeProof(item, who, who.dpopThumbprint).then((dpop) => {
        // A proof that is wrong or missing may be a thief's: that is no use of the token.
        if (dpop === 'good') note(item, who, caller)
        return `${told.slice(0, -1)},"dpop":"${dpop}"}`
      })
    }
    note(item, who, caller)
    return told
  }
  const note = ({ address, operation }: BatchItem, who: TenantPrincipal, { name }: ResourceServer) =>
    noteUse(who, { address: address || null, userAgent: name, operation })

  /** What came of the proof that whoever presents a bound token holds its key (RFC 9449 section 7). */
  const takeProof = async (
    { credential, dpop }: BatchItem,
    { client }: Extract<TenantPrincipal, { kind: 'access_token' }>,
    thumbprint: string,
  ): Promise<'good' | 'bad' | 'missing'> => {
    if (!dpop) return 'missing'
    const { proof, method, url } = dpop
    try {
      await parts.proofs.take(proof, { method, url, client, accessToken: credential, thumbprint })
      return 'good'
    } catch (thrown) {
      if (thrown instanceof ProofMistake) return 'bad'
      throw thrown
    }
  }

  return async (items: readonly BatchItem[], caller: ResourceServer): Promise<string> => {
    // What is in memory is as of that moment; what is looked up, is later. Asked before: it can only get older.
    const ageMs = changes.isFresh() ? performance.now() - changes.asOf() : 0
    const results: (string | Promise<string>)[] = []
    let isAllKnown = true
    for (const item of items) {
      const found = validate(item.credential, item.address, caller.audience)
      const result =
        found instanceof Promise ? found.then((it) => show(item, it, caller)) : show(item, found, caller)
      if (result instanceof Promise) {
        isAllKnown = false
        // Until they are all awaited, below, a second failure would be nobody's.
        result.catch(() => {})
      }
      results.push(result)
    }
    const told = isAllKnown ? results : await Promise.all(results)
    return `{"results":[${told.join(',')}],"now":${clock().getTime()},"age_ms":${ageMs}}`
  }
}

/** Descriptions as JSON, put together once for each credential that is kept in memory, and each that asks. */
function createDescriptions(issuer: string) {
  const known = new WeakMap<TenantPrincipal, { readonly caller: ResourceServer; readonly text: string }>()
  return (who: TenantPrincipal, caller: ResourceServer): string => {
    const before = known.get(who)
    if (before?.caller === caller) return before.text
    const text = JSON.stringify(describeCredential(who, caller, issuer))
    known.set(who, { caller, text })
    return text
  }
}
