// The logo that an app which registered itself names: fetched once, drawn anew, and served by us. Never a picture
// on another host, which could change, and would tell that host who is looking (SECURITY D7).
import type { ClientId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import type { Background } from '../lib/background.ts'
import { FetchFailure, type GuardedFetch } from '../lib/guarded-fetch.ts'
import { mostLogoBytes, remakeLogo } from './logo.ts'
import { deleteLogo, saveLogo } from './logo-store.ts'
import type { Refusals } from './refusals.ts'

export interface TakeLogoParts {
  readonly db: Db
  readonly fetch: GuardedFetch
  readonly background: Pick<Background, 'run'>
  readonly refusals: Refusals
}

const wanted = {
  accept: 'image/png, image/jpeg, image/webp',
  mostBytes: mostLogoBytes,
  type: /^image\/(png|jpeg|webp)$/i,
}

/** Returns at once. A picture that can't be had is told in the app's error log; the app then has no logo. */
export function createTakeLogo({ db, fetch, background, refusals }: TakeLogoParts) {
  return (clientId: ClientId, logoUri: string | null): void => {
    background.run(async () => {
      // What it had before was another registration's: better none than a wrong one.
      await deleteLogo(db, clientId)
      if (logoUri === null) return
      try {
        await saveLogo(db, clientId, await remakeLogo((await fetch(logoUri, wanted)).body))
      } catch (thrown) {
        if (!(thrown instanceof FetchFailure || thrown instanceof Problem)) throw thrown
        const why = thrown instanceof Problem ? thrown.say : thrown.message
        const reason = `The logo could not be taken: ${why}`
        const about = { clientId, endpoint: 'registration', error: 'invalid_client_metadata' } as const
        refusals.note({ ...about, reason, requestId: null })
      }
    })
  }
}
