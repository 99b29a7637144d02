// POST /oauth/introspect (RFC 7662): what a credential is, for resource servers that know themselves. OAuth access
// tokens and API keys alike, through the validator that our own API asks.
import { isIP } from 'node:net'
import type { TenantPrincipal } from '../core/principal.ts'
import type { LastUse } from '../credentials/last-use.ts'
import type { Validate } from '../credentials/validator.ts'
import { plainAddress } from '../lib/network.ts'
import { readForm } from '../web/body.ts'
import type { FrontAnswer, FrontRequest } from '../web/front.ts'
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

export interface IntrospectionParts extends DoorParts {
  readonly validate: Validate
  /** The resource that our own API is. */
  readonly audience: string
  /** The authorization server: `iss`. */
  readonly issuer: string
  readonly noteUse: LastUse['note']
}

export const introspectionPath = '/oauth/introspect'

export function introspection(parts: IntrospectionParts): (request: FrontRequest) => Promise<FrontAnswer> {
  return async (request) => {
    try {
      return answerJson(JSON.stringify(await introspect(request, parts)))
    } catch (thrown) {
      return answerRefusal(request, parts, thrown)
    }
  }
}

async function introspect({ req, line }: FrontRequest, parts: IntrospectionParts): Promise<object> {
  if (req.method !== 'POST') {
    const say = 'introspection is asked for by POST (RFC 7662 section 2.1)'
    throw new Refusal(405, 'invalid_request', say, ['Allow', 'POST'])
  }
  const form = await readForm(req)
  const names = new Set(form.keys())
  if (names.size !== form.size) throw invalidRequest('a parameter was sent twice')
  const caller = await letIn(parts, req, form, 'introspection')
  line.add('resource_server', caller.id)
  const token = form.get('token')
  if (!token) throw invalidRequest("missing required parameter 'token'")
  const address = plainAddress(form.get('client_address') ?? '')
  if (address !== '' && isIP(address) === 0) throw invalidRequest('client_address is no IP address')
  // token_type_hint is not looked at: one look-up finds whatever there is.
  const who = await check(parts, caller, token, address)
  if (!who) return inactive
  parts.noteUse(who, { address: address || null, userAgent: caller.name, operation: null })
  return describeCredential(who, caller, parts.issuer)
}

/** What the validator says to this resource server; null for anything that is not good for it. */
async function check(
  { validate, audience }: IntrospectionParts,
  caller: ResourceServer,
  token: string,
  address: string,
): Promise<TenantPrincipal | null> {
  const found = validate(token, address, caller.audience)
  const who = found instanceof Promise ? await found : found
  return who.kind === 'refused' ? null : meantFor(who, caller, audience)
}
