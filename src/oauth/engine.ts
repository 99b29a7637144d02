// The door to oidc-provider: the only file that loads it.
const warn = console.warn
// On Node 20 the engine says at import that it would rather have Node 22. It runs well there (our suite
// runs on both), the server says in a line of its own which versions are supported, and a newcomer's
// first line should not be a warning. Everything else that it has to say is passed on.
console.warn = (...said: unknown[]) => {
  if (!String(said[0]).includes('Unsupported runtime')) warn(...said)
}
const library = await import('oidc-provider')
console.warn = warn

/** In which the engine keeps the request that it is at: it is only ever switched off, by request-context.ts. */
export const { default: engineContext } = await import('oidc-provider/lib/helpers/als.js')

export const { Provider, errors, interactionPolicy } = library
/**
 * For what is stopped and may go on one day: with any other error a client throws its tokens away. RFC 6749 has
 * the code for the authorization endpoint; the status tells every client, and is what RFC 7009 section 2.2.1
 * has for the same case.
 */
export function unavailable(say: string): Error {
  const error = new errors.TemporarilyUnavailable(say)
  error.status = 503
  error.statusCode = 503
  return error
}

export type {
  Adapter,
  AdapterPayload,
  Client,
  ClientMetadata,
  Configuration,
  Interaction,
  InteractionResults,
  JWKS,
  KoaContextWithOIDC,
  Provider as Engine,
} from 'oidc-provider'
