// What a resource server owes its callers: where tokens come from (RFC 9728), whether one is good (RFC 7662), and
// what is missing when it is not enough (RFC 6750 section 3, MCP's scope challenge).

/**
 * @param latchkey where Latchkey answers: the issuer of the tokens
 * @param resource this server's own address: the audience that Latchkey knows it by, and tokens are for
 * @param scopes all that a client may need here
 */
export function protect({ latchkey, clientId, clientSecret, resource, scopes }) {
  const { origin, pathname } = new URL(resource)
  const metadataPath = `/.well-known/oauth-protected-resource${pathname}`
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')

  /** What Latchkey knows of a token; null when it is no good here, for whatever reason. */
  async function introspect(token) {
    const response = await fetch(`${latchkey}/oauth/introspect`, {
      method: 'POST',
      headers: { Authorization: `Basic ${basic}` },
      body: new URLSearchParams({ token }),
      signal: AbortSignal.timeout(5000),
    })
    if (!response.ok) throw new Error(`Latchkey answered ${response.status} to an introspection`)
    const known = await response.json()
    // A token for another server must not open this one.
    return known.active && [known.aud].flat().includes(resource) ? known : null
  }

  function challenge(res, status, parameters) {
    const all = { ...parameters, resource_metadata: origin + metadataPath }
    const text = Object.entries(all).map(([name, value]) => `${name}="${value}"`)
    res.writeHead(status, { 'WWW-Authenticate': `Bearer ${text.join(', ')}` }).end()
    return null
  }

  return {
    metadataPath,
    metadata: {
      resource,
      authorization_servers: [latchkey],
      scopes_supported: scopes,
      bearer_methods_supported: ['header'],
    },
    /**
     * Who calls, in the words of the MCP SDK (`AuthInfo`); null when the answer has been given.
     * @param atLeast the scopes that a client should begin with
     */
    async authenticate(req, res, atLeast) {
      const scope = atLeast.join(' ')
      const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(req.headers.authorization ?? '')?.[1]
      if (!token) return challenge(res, 401, { scope })
      const known = await introspect(token)
      if (!known) return challenge(res, 401, { error: 'invalid_token', scope })
      return {
        token,
        clientId: known.client_id,
        scopes: (known.scope ?? '').split(' ').filter(Boolean),
        expiresAt: known.exp,
        resource: new URL(resource),
        extra: { person: known.sub },
      }
    },
    /** Whether the caller has these scopes; if not, the answer has been given. */
    hasScopes({ scopes }, res, needed) {
      if (needed.every((scope) => scopes.includes(scope))) return true
      // With what it has already: a client asks for all of this, and loses nothing.
      const scope = [...new Set([...scopes, ...needed])].join(' ')
      challenge(res, 403, { error: 'insufficient_scope', scope })
      return false
    },
  }
}
