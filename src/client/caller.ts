// Calls of one API: credential, headers, envelope and errors, on top of the wire.
import { errorOf, isSuccess, parse } from './answers.ts'
import type { Contract } from './contract.ts'
import { type Credential, headersFor, readCredential } from './credential.ts'
import { hideOnInspect, withoutSecret } from './hide.ts'
import { type Query, queryText } from './listing.ts'
import type { Wire, WireAnswer, WireRequest } from './wire.ts'

/** What any one call may say for itself. */
export interface CallOptions {
  /** Gives the call up; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** In place of the client's, in milliseconds. */
  readonly timeout?: number | undefined
  /**
   * With the same one the server does the same thing once, however often it is asked. Creations have one by
   * themselves that lasts for their tries; give your own to have it last longer, such as over a restart.
   */
  readonly idempotencyKey?: string | undefined
}

/** A call that is written by hand. */
export interface ApiRequest extends CallOptions {
  readonly method: string
  /** Below the base path: "/bookings". */
  readonly path: string
  readonly query?: Query | undefined
  /** Is sent as JSON. */
  readonly body?: unknown
}

export interface ApiAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The answer's JSON, envelope and all; its text where it is none. */
  readonly data: unknown
}

/** @throws LatchkeyError for every answer but 2xx, and where there was none */
export type Call = (request: ApiRequest) => Promise<ApiAnswer>

/** Methods that may be sent twice, since the second time changes nothing (RFC 9110 section 9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])

export interface CallerParts {
  readonly wire: Wire
  readonly contract: Contract
  /** With the base path, and no slash at its end. */
  readonly address: string
  readonly credential: Credential
}

export function createCaller({ wire, contract, address, credential }: CallerParts): Call {
  const { apiKey, accessToken, platformKey } = contract.prefixes
  const prefixes = [...apiKey, ...accessToken, ...platformKey]

  const finish = (answer: WireAnswer, secret: string): ApiAnswer => {
    if (!isSuccess(answer)) throw errorOf(contract, answer, secret)
    const { status, headers, text } = answer
    const data = parse(text)
    const shown = typeof data === 'string' ? withoutSecret(data, secret) : hideOnInspect(data, prefixes)
    return { status, headers, data: shown }
  }

  return async (request) => {
    const asked = onWire(request, address)
    return wire.within(`${contract.brand} API`, request, async (send) => {
      const sendWith = (secret: string) =>
        send({ ...asked, headers: { ...asked.headers, ...headersFor(contract.header, secret) } })
      const secret = await current(credential)
      const answer = await sendWith(secret)
      if (answer.status !== 401 || typeof credential === 'string') return finish(answer, secret)
      // It was taken back, or has ended by a clock that is not ours. Nothing was done: with another it may be tried again.
      const other = readCredential('The access token', await credential(secret))
      return other === secret ? finish(answer, secret) : finish(await sendWith(other), other)
    })
  }
}

async function current(credential: Credential): Promise<string> {
  return typeof credential === 'string' ? credential : readCredential('The access token', await credential())
}

function onWire(request: ApiRequest, address: string): WireRequest {
  const { path, query = {}, body, idempotencyKey } = request
  const method = request.method.toUpperCase()
  // Without it the text would go on with the host's name, and the credential to another host.
  if (!path.startsWith('/')) throw new TypeError('path must begin with a slash, such as "/bookings".')
  if (idempotencyKey !== undefined && !/^[\x21-\x7e]{1,255}$/.test(idempotencyKey)) {
    throw new TypeError('idempotencyKey must be 1 to 255 visible ASCII characters, such as a UUID.')
  }
  return {
    method,
    url: address + path + queryText(query),
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    isRepeatable: idempotencyKey !== undefined || idempotent.has(method),
  }
}
