// A resource server's questions about many credentials, and its stream of changes, with nothing but node:http.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { House } from './house.ts'
import { basicOf, type Introspector } from './introspection.ts'

export interface BatchAnswer {
  readonly results: readonly Record<string, unknown>[]
  readonly now: number
  readonly age_ms: number
}

export function postBatch(
  house: House,
  as: Introspector | null,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${house.url}/verify/batch`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(as ? { Authorization: basicOf(as) } : {}),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** The answer to a question that must be answered. */
export async function verifyAll(
  house: House,
  as: Introspector,
  credentials: readonly unknown[],
): Promise<BatchAnswer> {
  const response = await postBatch(house, as, { credentials })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return JSON.parse(text) as BatchAnswer // its fields are asserted by whoever uses them
}

export type Line = Readonly<Record<string, unknown>>

export interface ChangesReader {
  readonly response: IncomingMessage
  readonly lines: readonly Line[]
  /** Resolves with the first line that is so, also of those that have come. */
  next(isIt: (line: Line) => boolean, from?: number): Promise<Line>
  readonly ended: Promise<unknown>
}

/** Opens the stream, and reads it until it ends. */
export async function openChanges(url: string, as: Introspector): Promise<ChangesReader> {
  const asked = request(`${url}/verify/changes`, { agent: false, headers: { Authorization: basicOf(as) } })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const lines: Line[] = []
  let wake = () => {}
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (text + chunk).split('\n')
    text = parts.pop() ?? ''
    lines.push(...parts.map((part) => JSON.parse(part) as Line))
    wake()
  })
  const ended = new Promise((resolve) => {
    response.on('close', resolve).on('error', () => {})
  })
  return {
    response,
    lines,
    ended,
    next: async (isIt, from = 0) => {
      for (;;) {
        const found = lines.slice(from).find(isIt)
        if (found) return found
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
