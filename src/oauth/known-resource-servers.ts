// Resource servers that have said who they are, kept in memory as long as it is known that they are still good, as
// credentials are (decision 10).

import { timingSafeEqual } from 'node:crypto'
import { isResourceServerId, type ResourceServerId } from '../core/ids.ts'
import type { Changes } from '../db/changes.ts'
import type { Database } from '../db/connect.ts'
import { bytesOf, type Digest, sha256Text } from '../lib/digest.ts'
import type { ResourceServer } from './resource-server.ts'
import type { Presented } from './resource-server-auth.ts'
import { findResourceServer } from './resource-server-store.ts'

interface Known {
  readonly server: ResourceServer
  readonly secretHash: Digest
}

export interface ResourceServers {
  /** Who asks: at once where it is known, else after a look-up; null for who is none of them, or has another secret. */
  authenticate(presented: Presented): ResourceServer | null | Promise<ResourceServer | null>
}

/** With more of them the first that was kept goes: vendors have a handful. */
const mostKept = 10_000

export function createResourceServers(
  database: Database,
  changes: Pick<Changes, 'isFresh' | 'onChange'>,
): ResourceServers {
  const kept = new Map<ResourceServerId, Known>()
  let generation = 0
  changes.onChange(({ kind }) => {
    if (kind === 'credentials') return
    generation += 1
    kept.clear()
  })
  const lookUp = async (id: ResourceServerId): Promise<Known | null> => {
    const [before, mayKeep] = [generation, changes.isFresh()]
    const found = await findResourceServer(database, id)
    // What was heard meanwhile may have been of this one.
    if (found && mayKeep && before === generation && changes.isFresh()) {
      if (kept.size >= mostKept) for (const first of kept.keys()) if (kept.delete(first)) break
      kept.set(id, found)
    }
    return found
  }
  const compare = (known: Known | null, secret: string): ResourceServer | null =>
    known && timingSafeEqual(known.secretHash, bytesOf(sha256Text(secret))) ? known.server : null
  return {
    authenticate: (presented) => {
      if (presented.kind !== 'credentials' || !isResourceServerId(presented.id)) return null
      const known = changes.isFresh() ? kept.get(presented.id) : undefined
      if (known) return compare(known, presented.secret)
      return lookUp(presented.id).then((found) => compare(found, presented.secret))
    },
  }
}
