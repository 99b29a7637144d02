// The logo of an app that registered itself: fetched once, as carefully as everything of a stranger's, drawn anew,
// and shown from here alone (SECURITY D7). Nobody waits for it: an app without its logo is an app.
import type { ClientId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import type { Background } from '../lib/background.ts'
import { FetchFailure, type GuardedFetch } from '../lib/guarded-fetch.ts'
import { remakeLogo } from './logo.ts'
import { deleteLogo, saveLogo } from './logo-store.ts'
import type { Refusals } from './refusals.ts'
import { holdLogoUri } from './self-registered-store.ts'

const wanted = {
  mostBytes: 256 * 1024,
  accept: 'image/png, image/webp, image/jpeg',
  type: /^image\/(png|webp|jpeg)$/,
} as const

export interface LogoParts {
  readonly db: Db
  readonly fetch: GuardedFetch
  readonly background: Pick<Background, 'run'>
  readonly refusals: Refusals
}

/** To be told when an app names another logo, or (null) none any more. Returns at once. */
export type LogoChanged = (clientId: ClientId, logoUri: string | null) => void

export function createLogoFetcher(parts: LogoParts): LogoChanged {
  return (clientId, logoUri) => {
    parts.background.run(() => keep(parts, clientId, logoUri))
  }
}

/** What can't be had is told in the app's error log; the logo that it had before is not its logo any more. */
async function keep(parts: LogoParts, clientId: ClientId, logoUri: string | null): Promise<void> {
  const png = logoUri === null ? null : await draw(parts, clientId, logoUri)
  await parts.db.transaction(async (tx) => {
    const current = await holdLogoUri(tx, clientId)
    // It is gone, or says something else by now, which is fetched by whoever heard that.
    if (!current || current.logoUri !== logoUri) return
    if (png) await saveLogo(tx, clientId, png)
    else await deleteLogo(tx, clientId)
  })
}

async function draw(parts: LogoParts, clientId: ClientId, logoUri: string): Promise<Buffer | null> {
  try {
    return await remakeLogo((await parts.fetch(logoUri, wanted)).body)
  } catch (thrown) {
    const why = whyNot(thrown)
    if (why === null) throw thrown
    const refusal = { clientId, endpoint: 'registration', error: 'invalid_client_metadata' } as const
    parts.refusals.note({ ...refusal, reason: `logo_uri: ${why}`, requestId: null })
    return null
  }
}

function whyNot(thrown: unknown): string | null {
  if (thrown instanceof FetchFailure) return thrown.message
  return thrown instanceof Problem ? thrown.say : null
}
