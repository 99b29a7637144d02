// How answers look on the wire: the profile's envelope. The one place where a Problem becomes JSON.
import { STATUS_CODES } from 'node:http'
import { compile } from '../core/envelope-template.ts'
import type { Page } from '../core/handler.ts'
import type { RequestId } from '../core/ids.ts'
import type { Problem, ProblemCode } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'

/** What every success may say of itself. */
export interface Success {
  readonly status: number
  /** What was done, as the document says it of the operation's answer. */
  readonly message: string
  readonly requestId: RequestId
}

export interface WrittenProblem {
  readonly status: number
  readonly contentType: string
  readonly body: unknown
}

export interface Envelope {
  /** @param statusOf makes another status of the one that it has */
  problem(problem: Problem, requestId: RequestId, statusOf?: (status: number) => number): WrittenProblem
  list(page: Page, success: Success): unknown
  item(item: object, success: Success): unknown
}

/** @param publicUrl where the documentation is, which tells of each code */
export function envelopeOf(profile: Profile, publicUrl: string): Envelope {
  const { envelope, problems } = profile
  const item = compile(envelope.item)
  const list = compile(envelope.list)
  const problem = compile(envelope.problem)
  const codeOf = writtenCodes(profile)
  return {
    item: (it, { status, message, requestId }) => item({ item: it, status, message, request_id: requestId }),
    list: ({ items, nextCursor, numbers }, success) =>
      list({
        items,
        next_cursor: nextCursor,
        ...(numbers && {
          page: numbers.page,
          limit: numbers.limit,
          total: numbers.total,
          total_pages: Math.ceil(numbers.total / numbers.limit),
        }),
        ...valuesOf(success),
      }),
    problem: ({ code, status: usual, sentence, details }, requestId, statusOf = asItIs) => {
      const spoken = problems[code]
      const status = statusOf(spoken?.status ?? usual)
      const body = problem({
        type: envelope.types[status] ?? envelope.types[`${String(status)[0]}xx`],
        code: codeOf(code),
        title: STATUS_CODES[status],
        message: details.say ?? spoken?.message ?? sentence,
        param: details.param,
        conflicts_with: details.conflictsWith,
        documentation: `${publicUrl}/docs/errors#${code}`,
        request_id: requestId,
        status,
      })
      return { status, contentType: envelope.problemContentType, body }
    },
  }
}

const asItIs = (status: number) => status

/** How the profile writes our codes. */
export function writtenCodes({ envelope, problems }: Profile): (code: ProblemCode) => string {
  return (code) => problems[code]?.code ?? (envelope.codes === 'UPPER_CASE' ? code.toUpperCase() : code)
}

const valuesOf = ({ status, message, requestId }: Success) => ({ status, message, request_id: requestId })
