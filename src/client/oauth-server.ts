// The authorization server as an app sees it: what it says of itself (RFC 8414), and its endpoints.
import { isObject, isSuccess, parse } from './answers.ts'
import { withoutSecret } from './hide.ts'
import { AuthorizationNeededError, OAuthError } from './oauth-errors.ts'
import type { Wire, WireAnswer } from './wire.ts'

export interface ServerMetadata {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly revocation_endpoint?: string
  /** Does every answer by way of the browser say who gave it (RFC 9207)? */
  readonly authorization_response_iss_parameter_supported?: boolean
}

/** Of the rest nothing is known yet: see `tokensOf`. */
export interface TokenAnswer {
  readonly access_token: string
  readonly [field: string]: unknown
}

export interface AuthorizationServer {
  metadata(): Promise<ServerMetadata>
  /**
   * @param secret of the fields: no error repeats it
   * @param isRepeatable may it be sent again where the answer was lost?
   * @throws AuthorizationNeededError for invalid_grant, OAuthError, LatchkeyConnectionError
   */
  token(fields: Fields, secret: string, isRepeatable: boolean): Promise<TokenAnswer>
  revoke(fields: Fields, secret: string): Promise<void>
}

type Fields = Readonly<Record<string, string>>

const who = 'OAuth'
const wellKnown = '/.well-known/oauth-authorization-server'

/** @param issuer without a slash at its end */
export function createAuthorizationServer(issuer: string, wire: Wire): AuthorizationServer {
  let known: Promise<ServerMetadata> | undefined

  const discover = async (): Promise<ServerMetadata> => {
    const { origin, pathname } = new URL(issuer)
    const url = origin + wellKnown + pathname.replace(/\/$/, '') // RFC 8414 section 3.1
    const answer = await wire.send(who, get(url))
    const metadata = parse(answer.text)
    if (!isSuccess(answer) || !isMetadata(metadata)) {
      throw new OAuthError('no_metadata', `${url} is not what an authorization server says of itself.`)
    }
    // Section 3.3: or another server could pass for this one.
    if (metadata.issuer !== issuer) {
      const say = `${url} is of "${metadata.issuer}" and not of "${issuer}". Check the issuer.`
      throw new OAuthError('issuer_mismatch', say)
    }
    return metadata
  }

  const metadata = () => {
    known ??= discover().catch((error: unknown) => {
      known = undefined // the next call asks again
      throw error
    })
    return known
  }

  const post = async (url: string, fields: Fields, secret: string, isRepeatable: boolean) => {
    const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams(fields).toString()
    const answer = await wire.send(who, { method: 'POST', url, headers, body, isRepeatable })
    if (!isSuccess(answer)) throw refusal(answer, secret)
    return parse(answer.text)
  }

  return {
    metadata,
    token: async (fields, secret, isRepeatable) => {
      const { token_endpoint } = await metadata()
      const answer = await post(token_endpoint, fields, secret, isRepeatable)
      if (!isTokenAnswer(answer)) throw new OAuthError('invalid_answer', 'The answer has no access token.')
      return answer
    },
    revoke: async (fields, secret) => {
      const { revocation_endpoint: url } = await metadata()
      if (url === undefined) throw new OAuthError('no_revocation', 'The server has no way to revoke tokens.')
      await post(url, fields, secret, true)
    },
  }
}

const get = (url: string) => ({
  method: 'GET',
  url,
  headers: { accept: 'application/json' },
  body: null,
  isRepeatable: true,
})

function refusal({ text, status }: WireAnswer, secret: string): OAuthError {
  const answer = parse(withoutSecret(text, secret))
  const { error, error_description: description } = isObject(answer) ? answer : {}
  const code = typeof error === 'string' ? error : 'invalid_answer'
  const said = typeof description === 'string' ? description : `The server answered ${status}.`
  if (code !== 'invalid_grant') return new OAuthError(code, said, status)
  return new AuthorizationNeededError(code, `${said} The person has to allow the app again.`, status)
}

function isMetadata(it: unknown): it is ServerMetadata {
  return ['issuer', 'authorization_endpoint', 'token_endpoint'].every(
    (name) => isObject(it) && typeof it[name] === 'string',
  )
}

function isTokenAnswer(it: unknown): it is TokenAnswer {
  return isObject(it) && typeof it['access_token'] === 'string' && it['access_token'] !== ''
}
