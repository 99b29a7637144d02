// Refresh tokens as the token endpoint asks for them: many at once.
import type { Database } from '../db/connect.ts'
import { createGathering } from '../lib/gathering.ts'
import {
  findRefreshTokens,
  type NewRotation,
  rotateRefreshToken,
  rotateRefreshTokens,
  type SoughtRefreshToken,
  type StoredRefreshToken,
} from './refresh-token-store.ts'
import { createSpending, together } from './spending.ts'

export interface RefreshTokens {
  /** null for one that is not there. */
  find(sought: SoughtRefreshToken): Promise<StoredRefreshToken | null>
  /** As `rotateRefreshToken`: true for exactly one of any number. */
  rotate(wanted: NewRotation): Promise<boolean>
}

export function createRefreshTokens(database: Database): RefreshTokens {
  const finds = createGathering({
    ...together,
    answer: (sought: readonly SoughtRefreshToken[]) => findRefreshTokens(database, sought),
  })
  const rotate = createSpending<NewRotation>({
    hashOf: ({ token }) => token.hash,
    isOrdinary: ({ rotation }) => rotation.thumbprint === null,
    spendMany: (wanted) => rotateRefreshTokens(database, wanted),
    spendOne: (wanted) => rotateRefreshToken(database, wanted),
  })
  return { find: finds.ask, rotate }
}
