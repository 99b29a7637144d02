// What stops and goes on with an organization: the part that suspending one, and suspending its platform, have
// in common.
import { setAppsStopped } from '../apps/app-store.ts'
import type { OrganizationId } from '../core/ids.ts'
import {
  deleteGrantCredentials,
  deleteOrganizationCredentials,
  insertKeyCredentials,
} from '../credentials/credential-store.ts'
import type { Tx } from '../db/connect.ts'
import { toCredential } from '../keys/issue-key.ts'
import { holdWorkingKeys } from '../keys/key-store.ts'
import { refreshStoppedGrants } from '../oauth/grant-store.ts'
import { refreshStopped } from '../organizations/organization-store.ts'

/** What came of it: the organizations that stop now, and those that go on now. */
export interface Changed {
  readonly stopped: readonly OrganizationId[]
  readonly running: readonly OrganizationId[]
}

/** PostgreSQL takes 65,535 parameters in one statement; a credential has eight. */
const batch = 1000

/**
 * Brings what hangs on these organizations, which the caller has locked (lockOrganizations), to what they are
 * now. The order keeps anything from slipping through and two of us from waiting for each other: organizations
 * (which making a key holds), apps (which consent holds), grants (which minting holds), and last, when none of
 * them can make another one, credentials.
 */
export async function carryOut(
  tx: Tx,
  organizations: readonly OrganizationId[],
  now: Date,
): Promise<Changed> {
  const changed = await refreshStopped(tx, organizations)
  const stopped = changed.filter((it) => it.isStopped).map(({ id }) => id)
  const running = changed.filter((it) => !it.isStopped).map(({ id }) => id)
  if (changed.length === 0) return { stopped, running }

  if (stopped.length > 0) await setAppsStopped(tx, stopped, true)
  if (running.length > 0) await setAppsStopped(tx, running, false)
  const grants = await refreshStoppedGrants(tx, [...stopped, ...running])
  await deleteGrantCredentials(tx, grants)
  await deleteOrganizationCredentials(tx, stopped)

  const keys = await holdWorkingKeys(tx, running, now)
  for (let from = 0; from < keys.length; from += batch)
    await insertKeyCredentials(tx, keys.slice(from, from + batch).map(toCredential))
  return { stopped, running }
}
