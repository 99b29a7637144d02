// Authorization codes, and the apps that exchange them, as the token endpoint asks for them: many at once.
import type { App } from '../apps/app.ts'
import { findApps } from '../apps/app-store.ts'
import type { Database } from '../db/connect.ts'
import { createGathering } from '../lib/gathering.ts'
import {
  findCodes,
  type NewSpending,
  type SoughtCode,
  type StoredCode,
  spendCode,
  spendCodes,
} from './code-store.ts'
import { createSpending, together } from './spending.ts'

export interface Codes {
  /** null for one that is not there. */
  find(sought: SoughtCode): Promise<StoredCode | null>
  /** As `spendCode`: true for exactly one of any number. */
  spend(wanted: NewSpending): Promise<boolean>
  findApp(clientId: string): Promise<App | null>
}

export function createCodes(database: Database): Codes {
  const finds = createGathering({
    ...together,
    answer: (sought: readonly SoughtCode[]) => findCodes(database, sought),
  })
  const apps = createGathering({
    ...together,
    answer: (clientIds: readonly string[]) => findApps(database, clientIds),
  })
  const spend = createSpending<NewSpending>({
    hashOf: ({ code }) => code.hash,
    isOrdinary: ({ minted }) => minted.thumbprint === null,
    spendMany: (wanted) => spendCodes(database, wanted),
    spendOne: (wanted) => spendCode(database, wanted),
  })
  return { find: finds.ask, spend, findApp: apps.ask }
}
