// Answers as the pages show them: made by the very code that answers, so that the two look alike.
import { STATUS_CODES } from 'node:http'
import type { Operation } from '../core/contract.ts'
import { Problem, type ProblemCode, type ProblemDetails } from '../core/problems.ts'
import { readProfileFile } from '../core/profile.ts'
import { envelopeOf } from '../web/envelope.ts'
import { block } from './markdown.ts'
import type { Subject } from './subject.ts'

/** Stands for what differs from answer to answer. */
export const varies = '…'
const anyRequestId = `req_${varies}` as const
const json = 'application/json; charset=utf-8'

/** An answer as it comes over the wire; the headers are those that the text speaks of. */
export function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: unknown = undefined,
): string {
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd()]
  for (const [name, value] of Object.entries(headers)) head.push(`${name}: ${value}`)
  return block(
    'http',
    body === undefined ? head.join('\n') : `${head.join('\n')}\n\n${JSON.stringify(body, null, 2)}`,
  )
}

/** How a problem is answered. */
export function problemAnswer(
  { profile, publicUrl }: Subject,
  code: ProblemCode,
  headers: Readonly<Record<string, string>> = {},
  details: ProblemDetails = {},
): string {
  const problem = new Problem(code, details)
  const { status, contentType, body } = envelopeOf(profile, publicUrl).problem(problem, anyRequestId)
  const type = contentType === 'application/json' ? json : contentType
  return answer(status, { 'Content-Type': type, ...headers, [profile.headers.requestId]: anyRequestId }, body)
}

/** How a list of the sample is answered: one item of it stands for all. */
export function listAnswer({ profile, publicUrl }: Subject, operation: Operation): string {
  const rows = exampleRows(profile, operation)
  const { style, defaultLimit: limit } = profile.pagination
  const page = {
    items: rows.slice(0, 1),
    nextCursor: rows.length > limit ? varies : null,
    ...(style === 'page' && { numbers: { page: 1, limit, total: rows.length } }),
  }
  const success = { status: 200, message: operation.descriptions['200'] ?? '', requestId: anyRequestId }
  const body = envelopeOf(profile, publicUrl).list(page, success)
  const { rateLimit, requestId } = profile.headers
  return answer(200, { 'Content-Type': json, [rateLimit.limit]: varies, [requestId]: anyRequestId }, body)
}

type Row = Readonly<Record<string, unknown>>

/** The rows of the sample as they would be answered: those of the sandbox, where there is one. */
function exampleRows(profile: Subject['profile'], { id }: Operation): Row[] {
  const found = Object.entries(profile.sample.resources).find(([, it]) => it.operations.list === id)
  if (!found) return []
  // The file's shape is checked where it is sown (sample/seed).
  const rows = readProfileFile(profile, profile.sample.rows) as Record<string, Record<string, Row[]>>
  const idOf = (kind: string) => (profile.sample.resources[kind]?.idPrefix ?? '') + varies
  const show = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if ('$day' in value) return varies
    return '$ref' in value ? idOf(String(value.$ref)) : value
  }
  const [kind] = found
  return (rows[profile.modes.at(-1) ?? 'live']?.[kind] ?? []).map((row) => ({
    id: idOf(kind),
    ...Object.fromEntries(Object.entries(row).map(([name, value]) => [name, show(value)])),
  }))
}
