// Reads answers through the contract's envelope.
import type { Contract, Path } from './contract.ts'
import { LatchkeyError } from './errors.ts'
import { withoutSecret } from './hide.ts'
import type { WireAnswer } from './wire.ts'

/** The value at a path; undefined where the answer has none. */
export function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (it, key) => (isObject(it) && Object.hasOwn(it, key) ? it[key] : undefined),
    value,
  )
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** An answer's JSON; undefined where it is empty, its text where it is no JSON. */
export function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export const isSuccess = ({ status }: WireAnswer) => status >= 200 && status < 300

/** Where messages stand in the envelopes that people use, for an answer that is not in the contract's. */
const usualMessages: readonly Path[] = [['error', 'message'], ['message'], ['detail'], ['title'], ['error']]
const usualCodes: readonly Path[] = [['error', 'code'], ['code']]

/** @param secret what was sent: should the server repeat it, the error does not */
export function errorOf(contract: Contract, answer: WireAnswer, secret: string): LatchkeyError {
  const { envelope, brand, requestIdHeader } = contract
  const { status, retryAfter } = answer
  const data = parse(withoutSecret(answer.text, secret))
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [name, withoutSecret(value, secret)]),
  )
  const text = (paths: readonly (Path | null)[]) =>
    paths
      .map((path) => (path === null ? undefined : at(data, path)))
      .find((it): it is string => typeof it === 'string' && it !== '')
  const isRedirect = status >= 300 && status < 400
  const said = isRedirect
    ? 'The server answers with a redirect, which is not followed. Check baseUrl.'
    : (text([envelope.message, ...usualMessages]) ?? 'The answer says no more.')
  return new LatchkeyError(`${brand} API ${status}: ${said}`, {
    response: { status, headers, data },
    code: text([envelope.code, ...usualCodes]),
    param: text([envelope.param]),
    requestId: text([envelope.requestId]) ?? headers[requestIdHeader.toLowerCase()],
    retryAfter,
  })
}
