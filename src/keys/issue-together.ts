// Keys that are made by keys, and come many at a time: those of one turn go to the database together (decision 23).
import { toEvent } from '../audit/record.ts'
import { Problem } from '../core/problems.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Database } from '../db/connect.ts'
import { isRefused } from '../db/refused.ts'
import { createGathering } from '../lib/gathering.ts'
import { draftKey, type IssuedKey, issueKey, type NewKey, toldOf } from './issue-key.ts'
import { type DraftedKey, insertKeysTogether } from './issue-together-store.ts'

/** One is being written while the next is gathered. */
const statementsAtOnce = 2
/** Some 200 KB at the usual size of a key, a few MB at the largest. */
const keysInStatement = 300
/** Who has waited for so long is told to come again, when the database answers at last; in ms. */
const patienceMs = 5000

/** `left` out, for whatever reason; `late` when it had waited too long to be begun. */
type Fate = 'made' | 'left' | 'late'

/** As `issueKey`, whose promises and errors are those of this. @throws also Problem busy */
export type Issue = (wanted: NewKey, now: Date) => Promise<IssuedKey>

/**
 * Makes keys as `issueKey` does, many in one statement. Each is made or refused by itself: what the statement leaves
 * out goes the way of a single key, which knows how to wait and what to say.
 */
export function createIssuing(database: Database, format: SecretFormat): Issue {
  const writing = createGathering<{ readonly drafted: DraftedKey; readonly since: number }, Fate>({
    atOnce: statementsAtOnce,
    most: keysInStatement,
    answer: async (asked) => {
      const oldest = performance.now() - patienceMs
      const inTime = asked.filter(({ since }) => since >= oldest).map(({ drafted }) => drafted)
      const made = inTime.length > 0 ? await insertOrLeave(database, inTime) : noKeys
      return asked.map(({ drafted, since }) =>
        since < oldest ? 'late' : made.has(drafted.key.id) ? 'made' : 'left',
      )
    },
  })
  return async (wanted, now) => {
    const { actor } = wanted.by
    if (actor.kind !== 'api_key') return issueKey(database.knex, format, wanted, now)
    const issued = draftKey(format, wanted, null, now)
    const event = toEvent(toldOf(issued.key, wanted.by))
    const drafted = { key: issued.key, maker: actor.id, event }
    const fate = await writing.ask({ drafted, since: performance.now() })
    if (fate === 'made') return issued
    if (fate === 'left') return issueKey(database.knex, format, wanted, now)
    throw new Problem('busy', { retryAfter: 1, reason: 'new keys wait too long for the database' })
  }
}

const noKeys: ReadonlySet<string> = new Set()

/** Where the statement is refused one of them is at fault, and only each by itself can tell which: none is made. */
async function insertOrLeave(
  database: Database,
  drafted: readonly DraftedKey[],
): Promise<ReadonlySet<string>> {
  try {
    return await insertKeysTogether(database, drafted)
  } catch (thrown) {
    if (isRefused(thrown)) return noKeys
    throw thrown
  }
}
