// Apps that are named by the address of a document about them (Client ID Metadata Documents): asked for when
// such an app sends a person to us, kept for as long as the document may be, shared by all servers.
import type { Origin } from '../core/attribution.ts'
import type { ClientId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import { appScopes, type Profile } from '../core/profile.ts'
import type { Database } from '../db/connect.ts'
import { type Fetched, FetchFailure, type GuardedFetch } from '../lib/guarded-fetch.ts'
import { addSeconds, type Clock, daySeconds, secondMs } from '../lib/time.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import type { App } from './app.ts'
import { type ClientMetadata, MetadataMistake, readDocument } from './client-metadata.ts'
import { freshSeconds } from './document-freshness.ts'
import { documentUrlMistake } from './document-url.ts'
import type { LogoChanged } from './fetch-logo.ts'
import type { GiveUp } from './gives-up.ts'
import type { Refusals } from './refusals.ts'
import { saveDocument } from './save-document.ts'
import { findDocument, type KeptDocument } from './self-registered-store.ts'

/** How many documents one address may have us ask for. */
export const documentRateClasses = {
  'document-address': [{ requests: 30, seconds: 60 }],
} as const

const wanted = {
  mostBytes: 5 * 1024,
  accept: 'application/json',
  type: /^application\/([\w.-]+\+)?json$/,
} as const
/** What can't be reached is not tried again for so long: an answer that is no good is remembered not at all. */
const unreachableMs = 10 * secondMs
const mostUnreachable = 1000
/** An app that people use outlives the absence of its server for so long. */
const staleSeconds = daySeconds

/** The app is not to be had; the message says why, to its developers. `unreachable` may be over in a moment. */
export class DocumentFailure extends Error {
  readonly kind: 'refused' | 'unreachable'

  constructor(kind: DocumentFailure['kind'], message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

export interface Documents {
  /**
   * The app that the document at this address is the registration of, asked for if need be.
   * @throws DocumentFailure
   */
  appAt(url: ClientId, origin: Origin): Promise<App>
}

export interface DocumentParts {
  readonly database: Database
  readonly profile: Profile
  readonly fetch: GuardedFetch
  readonly turnstile: Turnstile
  readonly refusals: Refusals
  readonly clock: Clock
  /** Called when an app's document names another logo than before, or its first one. */
  readonly giveUp: GiveUp
  readonly logoChanged: LogoChanged
}

export function createDocuments(parts: DocumentParts): Documents {
  const { database, refusals, clock } = parts
  const underWay = new Map<ClientId, Promise<App>>()
  const unreachable = createFailureMemory()

  const learn = async (url: ClientId, origin: Origin): Promise<App> => {
    const why = documentUrlMistake(url)
    if (why) throw new DocumentFailure('refused', why)
    const failed = unreachable.find(url)
    if (failed) throw failed
    if (!underWay.has(url)) await passTurnstile(parts.turnstile, origin)
    return await (underWay.get(url) ?? begin(url, origin))
  }
  const begin = (url: ClientId, origin: Origin): Promise<App> => {
    const asked = fetchAndSave(parts, url, origin)
      .catch((thrown: unknown) => {
        if (thrown instanceof DocumentFailure && thrown.kind === 'unreachable') unreachable.note(url, thrown)
        throw thrown
      })
      .finally(() => underWay.delete(url))
    underWay.set(url, asked)
    return asked
  }

  return {
    appAt: async (url, origin) => {
      const kept = await findDocument(database, url)
      if (kept && (kept.app.isStopped || kept.freshUntil > clock())) return kept.app
      try {
        return await learn(url, origin)
      } catch (thrown) {
        if (!(thrown instanceof DocumentFailure) || !kept) throw thrown
        const { requestId } = origin
        const reason = `The metadata document: ${thrown.message}`
        refusals.note({
          clientId: url,
          endpoint: 'authorization',
          error: 'invalid_client',
          reason,
          requestId,
        })
        if (thrown.kind === 'unreachable' && mayServeStale(kept, clock())) return kept.app
        throw thrown
      }
    },
  }
}

function mayServeStale({ wasAllowed, freshUntil }: KeptDocument, now: Date): boolean {
  return wasAllowed && addSeconds(freshUntil, staleSeconds) > now
}

async function fetchAndSave(parts: DocumentParts, url: ClientId, origin: Origin): Promise<App> {
  const { database, profile, clock } = parts
  let fetched: Fetched
  let said: ClientMetadata
  try {
    fetched = await parts.fetch(url, wanted)
    said = readDocument(parseJson(fetched.body), url, appScopes(profile))
  } catch (thrown) {
    if (thrown instanceof FetchFailure) throw new DocumentFailure(thrown.kind, thrown.message, thrown)
    if (thrown instanceof MetadataMistake) throw new DocumentFailure('refused', thrown.message, thrown)
    throw thrown
  }
  const now = clock()
  const freshUntil = addSeconds(now, freshSeconds(fetched.headers))
  const saved = await saveDocument(
    { db: database.knex, profile, giveUp: parts.giveUp },
    { url, said, freshUntil, origin },
    now,
  )
  if (saved === 'no-room') throw new DocumentFailure('unreachable', 'too many new apps wait for consent')
  if (saved.isNewLogo) parts.logoChanged(url, said.logoUri)
  return saved.app
}

async function passTurnstile(turnstile: Turnstile, { address }: Origin): Promise<void> {
  try {
    await turnstile.pass('document-address', address ?? '', () => {})
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown
    throw new DocumentFailure('unreachable', 'too many apps were asked about from this address', thrown)
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new DocumentFailure('refused', 'it is not valid JSON', cause)
  }
}

/** Of one process: another one finds out for itself. */
function createFailureMemory() {
  const failures = new Map<ClientId, { readonly failure: DocumentFailure; readonly until: number }>()
  return {
    find: (url: ClientId): DocumentFailure | null => {
      const found = failures.get(url)
      return found && found.until > performance.now() ? found.failure : null
    },
    note: (url: ClientId, failure: DocumentFailure): void => {
      failures.delete(url)
      failures.set(url, { failure, until: performance.now() + unreachableMs })
      const [oldest] = failures.keys()
      if (failures.size > mostUnreachable && oldest !== undefined) failures.delete(oldest)
    },
  }
}
