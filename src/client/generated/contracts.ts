// Every API that this client knows.
// Written from the profile and its OpenAPI document: npm run generate:client
import type { Contract } from '../contract.ts'
import { boooply, type Resources as boooplyResources } from './boooply.ts'
import { boothzen, type Resources as boothzenResources } from './boothzen.ts'
import { busyboard, type Resources as busyboardResources } from './busyboard.ts'
import { evalyo, type Resources as evalyoResources } from './evalyo.ts'

export { BoooplyClient } from './boooply.ts'
export { BoothZenClient } from './boothzen.ts'
export { BusyBoardClient } from './busyboard.ts'
export { EvalyoClient } from './evalyo.ts'
export type * as Boooply from './boooply.ts'
export type * as BoothZen from './boothzen.ts'
export type * as BusyBoard from './busyboard.ts'
export type * as Evalyo from './evalyo.ts'
export { boooply, boothzen, busyboard, evalyo }

export const contracts: readonly Contract[] = [boooply, boothzen, busyboard, evalyo]

/** The methods of each, by its name. */
export interface Resources {
  readonly boooply: boooplyResources
  readonly boothzen: boothzenResources
  readonly busyboard: busyboardResources
  readonly evalyo: evalyoResources
}

export type ContractName = keyof Resources
