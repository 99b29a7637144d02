// Principals by the hash of their secret, kept in memory as long as it is known that they are still good
// (decision 10); those that are not kept are looked up together.
import { LRUCache } from 'lru-cache'
import type { Principal } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import { type Changes, leaseMs } from '../db/changes.ts'
import { lookUpConnections } from '../db/connect.ts'
import type { DigestText } from '../lib/digest.ts'
import { createGathering } from '../lib/gathering.ts'

export interface CredentialCache {
  /** The one that is kept, where it may be relied on; undefined where only a look-up can say. */
  kept(hash: DigestText): Principal | undefined
  /**
   * Whose secret has this hash, by a look-up; null for nobody's. What was committed more than `leaseMs` ago is always
   * taken into account, and in this process all that `changes` has heard; so it is of what is kept. Whether it has
   * expired is for the caller to say.
   * @throws Problem busy where the database does not answer, or too late again and again
   */
  find(hash: DigestText): Promise<Principal | null>
  /** How many are kept. */
  size(): number
}

export interface CacheParts {
  /** The principals of these hashes, in their order. */
  readonly load: (hashes: readonly DigestText[]) => Promise<readonly (Principal | null)[]>
  readonly changes: Pick<Changes, 'isFresh' | 'onChange'>
  /** How many are kept at most; 0 for none. */
  readonly entries: number
}

/** Hashes in one statement. */
const mostAtOnce = 1000
/** An answer that took longer than the lease lasts is asked for again so many times. */
const mostAttempts = 3

/** A look-up under way, and what was heard since it was sent. */
interface LookUp {
  readonly changed: Set<DigestText>
  hasGap: boolean
}

export function createCredentialCache({ load, changes, entries }: CacheParts): CredentialCache {
  const kept = entries > 0 ? new LRUCache<DigestText, Principal>({ max: entries }) : null
  const underWay = new Set<LookUp>()
  changes.onChange((change) => {
    if (change.kind === 'gap') {
      kept?.clear()
      for (const lookUp of underWay) lookUp.hasGap = true
    }
    if (change.kind !== 'credentials') return
    for (const hash of change.hashes) {
      kept?.delete(hash)
      for (const lookUp of underWay) lookUp.changed.add(hash)
    }
  })

  const lookUpAll = async (
    hashes: readonly DigestText[],
    attempts: number,
  ): Promise<(Principal | null)[]> => {
    if (attempts === 0) throw new Problem('busy', { retryAfter: 1, reason: 'look-ups answer too late' })
    const lookUp: LookUp = { changed: new Set(), hasGap: false }
    const mayKeep = changes.isFresh()
    const sent = { at: performance.now(), wall: Date.now() }
    underWay.add(lookUp)
    let found: readonly (Principal | null)[]
    try {
      found = await load(hashes)
    } catch (cause) {
      throw new Problem('busy', { retryAfter: 1, reason: 'credentials can not be looked up', cause })
    } finally {
      underWay.delete(lookUp)
    }
    // This process may have been stopped, or its machine have slept, with the answer waiting: by now it says nothing.
    if (performance.now() - sent.at > leaseMs || Date.now() - sent.wall > leaseMs)
      return await lookUpAll(hashes, attempts - 1)
    const answers = [...found]
    const changed = hashes.filter((hash) => lookUp.changed.has(hash))
    if (changed.length > 0) {
      const again = await lookUpAll(changed, attempts - 1)
      const byHash = new Map(changed.map((hash, at) => [hash, again[at] ?? null]))
      for (const [at, hash] of hashes.entries()) {
        const answer = byHash.get(hash)
        if (answer !== undefined) answers[at] = answer
      }
    }
    if (kept && mayKeep && !lookUp.hasGap && changes.isFresh()) {
      for (const [at, hash] of hashes.entries()) {
        const who = answers[at]
        // Those that are nobody's are not kept: however many are guessed, they take no place from good ones.
        if (who && !lookUp.changed.has(hash)) kept.set(hash, who)
      }
    }
    return answers
  }
  const lookUps = createGathering<DigestText, Principal | null>({
    atOnce: lookUpConnections,
    most: mostAtOnce,
    answer: async (hashes) => {
      const each = [...new Set(hashes)]
      const found = await lookUpAll(each, mostAttempts)
      if (each.length === hashes.length) return found
      const byHash = new Map(each.map((hash, at) => [hash, found[at] ?? null]))
      return hashes.map((hash) => byHash.get(hash) ?? null)
    },
  })
  return {
    kept: (hash) => (kept && changes.isFresh() ? kept.get(hash) : undefined),
    find: lookUps.ask,
    size: () => kept?.size ?? 0,
  }
}
