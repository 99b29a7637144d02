// For handlers that take a `Request` and give a `Response`: Next.js, Remix, Astro and SvelteKit on Node.js, and others.
import type { FetchRequest } from './request.ts'
import type { ResourceServer } from './resource-server.ts'
import type { Allowed, Refused, VerifyOptions } from './verdict.ts'

/** The handler, called for good requests alone: with the request, who it is from, and whatever else it was called with. */
export function guard<R extends FetchRequest, More extends unknown[]>(
  latchkey: ResourceServer,
  options: VerifyOptions,
  handler: (request: R, who: Allowed, ...more: More) => Response | Promise<Response>,
): (request: R, ...more: More) => Promise<Response> {
  return async (request, ...more) => {
    const verdict = await latchkey.verify(request, options)
    return verdict.ok ? await handler(request, verdict, ...more) : toResponse(verdict)
  }
}

/** The answer to a request that was refused. */
export function toResponse({ status, headers, body }: Refused): Response {
  return Response.json(body, { status, headers })
}
