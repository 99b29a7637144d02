// Sample rows as the API would answer with them: in the profile's envelope, read by the document's own schema.
import { type AnswerReader, answerReader, type Contract, type Operation } from '../core/contract.ts'
import type { Mistake } from '../core/mistakes.ts'
import type { Profile } from '../core/profile.ts'
import type { SampleRow } from '../sample/sample-store.ts'
import { makeRows, readSampleRows } from '../sample/seed.ts'
import { envelopeOf } from '../web/envelope.ts'

const listShown = 2

/** @param contract null where the document can't be read: then the file is read for its shape alone */
export function sampleMistakes(profile: Profile, contract: Contract | null, now: Date): Mistake[] {
  const written = readSampleRows(profile)
  const answers = contract && { contract, reader: answerReader(contract) }
  return profile.modes.flatMap((mode) =>
    makeRows(profile, written[mode] ?? {}, now).flatMap(([kind, rows]) =>
      answers
        ? rowMistakes(profile, answers, kind, rows).map((it) => ({ ...it, at: join(mode, kind, it.at) }))
        : [],
    ),
  )
}

const join = (...parts: readonly string[]) => parts.filter((part) => part !== '').join('.')

interface Answers {
  readonly contract: Contract
  readonly reader: AnswerReader
}

function rowMistakes(
  profile: Profile,
  { contract, reader }: Answers,
  kind: string,
  rows: readonly SampleRow[],
): Mistake[] {
  const { read, only, list, listBy } = profile.sample.resources[kind]?.operations ?? {}
  const envelope = envelopeOf(profile, '')
  const operation = (id: string | undefined) => contract.operations.find((it) => it.id === id)
  const success = (it: Operation) => ({
    status: 200,
    message: it.descriptions['200'] ?? '',
    requestId: 'req_000000000000000000000000' as const,
  })
  const found: (Mistake & { readonly row: number | null })[] = []
  const one = operation(read ?? only)
  const readOne = one && reader(one.id, 200)
  if (one && readOne) {
    for (const [row, item] of rows.entries())
      found.push(...readOne(asJson(envelope.item(item, success(one)))).map((it) => ({ ...it, row })))
  }
  for (const many of [operation(list), operation(listBy?.operation)]) {
    const readMany = many && reader(many.id, 200)
    if (!many || !readMany) continue
    const numbers = { page: 1, limit: listShown, total: rows.length }
    // Where single rows are read, their mistakes have been told: of the list then only what is around them.
    const items = readOne ? [] : rows.slice(0, listShown)
    const isCounted = profile.pagination.style === 'page'
    const page = { items, nextCursor: null, ...(isCounted ? { numbers } : {}) }
    const wrong = readMany(asJson(envelope.list(page, success(many))))
    found.push(
      ...wrong.map((it) => ({ at: it.at, say: `${it.say} (in the answer of ${many.id})`, row: null })),
    )
  }
  return gathered(found, rows.length)
}

/** As it goes over the wire: what is undefined is not there. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** What every row has wrong is said once. */
function gathered(found: readonly (Mistake & { readonly row: number | null })[], count: number): Mistake[] {
  const groups = new Map<string, (Mistake & { readonly row: number | null })[]>()
  for (const it of found) {
    const key = `${it.at} ${it.say}`
    groups.set(key, [...(groups.get(key) ?? []), it])
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first && count > 1 && group.length === count && first.row !== null)
      return [{ at: '', say: `every row: ${first.at}${first.at ? ' ' : ''}${first.say}` }]
    return group.map(({ at, say, row }) => ({ at: row === null ? at : join(String(row), at), say }))
  })
}
