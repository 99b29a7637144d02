// What an app that changes takes from those who were allowed it: carried out further up in the house, where grants
// are known.
import type { Attribution } from '../core/attribution.ts'
import type { Tx } from '../db/connect.ts'
import type { App } from './app.ts'

/**
 * In the transaction of the change, with the app locked: the scopes and redirect URIs that `after` lacks are gone
 * from grants, tokens and codes. Gives what the ledger is told of it.
 */
export type GiveUp = (
  tx: Tx,
  before: Pick<App, 'clientId' | 'scopes' | 'redirectUris'>,
  after: Pick<App, 'scopes' | 'redirectUris'>,
  by: Attribution,
) => Promise<object>
