// What an app gives up is gone from everybody who was allowed it, however the app was changed.
import type { GiveUp } from '../apps/gives-up.ts'
import { narrowGrantCredentials } from '../credentials/credential-store.ts'
import { deleteUnspentCodesOfApp } from '../oauth/code-store.ts'
import { lockGrantsOfApp, narrowGrantsOfApp } from '../oauth/grant-store.ts'
import { revokeGrant } from '../oauth/revoke-grant.ts'

/**
 * A scope leaves every grant and every access token at once (a grant that is left with none ends); a redirect URI
 * takes the codes along that wait to be exchanged.
 */
export const giveUp: GiveUp = async (tx, before, after, by) => {
  const narrowed = await narrow(tx, before, after, by)
  if (before.redirectUris.some((uri) => !after.redirectUris.includes(uri))) {
    // Who ends several of them at once takes their codes along in another order than we would.
    await lockGrantsOfApp(tx, before.clientId)
    await deleteUnspentCodesOfApp(tx, before.clientId)
  }
  return narrowed
}

/** Takes from the app's grants what it may not ask for any more; says of how many. */
async function narrow(...[tx, before, { scopes }, by]: Parameters<GiveUp>): Promise<object> {
  if (before.scopes.every((scope) => scopes.includes(scope))) return {}
  const grants = await narrowGrantsOfApp(tx, before.clientId, scopes)
  await narrowGrantCredentials(
    tx,
    grants.map(({ id }) => id),
    scopes,
  )
  const empty = grants.filter((grant) => grant.scopes.length === 0)
  for (const { id } of empty) await revokeGrant(tx, id, () => by, 'app_narrowed')
  return { grants_narrowed: grants.length - empty.length, grants_revoked: empty.length }
}
