// Where the engine asks for a client that is named by a metadata document: only at the authorization endpoint is
// anything fetched, once for a request; everywhere else the app is what was kept of it, however old.
import type { Middleware } from 'koa'
import type { App } from '../apps/app.ts'
import { DocumentFailure, type Documents } from '../apps/documents.ts'
import { type ClientId, isClientId } from '../core/ids.ts'
import { originOf } from '../web/client-address.ts'
import { errors, unavailable } from './engine.ts'
import { createRequestContext } from './request-context.ts'

type Ask = (url: ClientId) => Promise<App | null>

const visits = createRequestContext<Ask>()

/**
 * The app of the document at this address, for a request to the authorization endpoint; undefined elsewhere, and
 * for an id that is no address. null where such apps are not taken.
 * @throws the engine's errors, for a document that can't be had
 */
export async function askForDocument(id: string): Promise<App | null | undefined> {
  const ask = visits.getStore()
  if (!ask || !/^https?:/i.test(id)) return undefined
  if (!isClientId(id)) throw invalid('It must be an https address, in ASCII, of at most 2000 characters.')
  return await ask(id)
}

/** Wraps the engine. The path is compared as its router reads it. @param documents null where they are not taken */
export function askForDocuments(documents: Documents | null, trustedProxies: number): Middleware {
  return (ctx, next) => {
    if (!/^\/oauth\/authorize\/*$/i.test(ctx.path)) return next()
    const answers = new Map<ClientId, Promise<App | null>>()
    const ask: Ask = (url) => {
      // The engine asks a second time for a request that fails.
      const answer = answers.get(url) ?? find(documents, url, () => originOf(ctx, trustedProxies))
      answers.set(url, answer)
      return answer
    }
    return visits.run(ask, next)
  }
}

async function find(
  documents: Documents | null,
  url: ClientId,
  origin: () => ReturnType<typeof originOf>,
): Promise<App | null> {
  try {
    return documents ? await documents.appAt(url, origin()) : null
  } catch (thrown) {
    if (!(thrown instanceof DocumentFailure)) throw thrown
    throw thrown.kind === 'refused' ? invalid(thrown.message) : unavailable(sayOf(thrown.message))
  }
}

const invalid = (why: string) => new errors.InvalidClient(sayOf(why))
const sayOf = (why: string) => `the app's client metadata document can not be used: ${why}`
