// Calls of the API's own operations, with a JSON body and an answer that is read. No promises of its own.
import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { type Profile, readProfileFile } from '../../src/core/profile.ts'
import type { House } from './house.ts'
import { oneLimit } from './rate-classes.ts'

export interface Called {
  readonly status: number
  readonly answer: Readonly<Record<string, unknown>>
  readonly text: string
}

/** A profile in whose second more fits than a test asks for. */
export const unhurried = (profile: Profile): Profile => ({
  ...profile,
  rateClasses: oneLimit(10_000, 60),
})

export async function call(
  house: House,
  secret: string,
  request: string,
  body?: unknown,
  more: Readonly<Record<string, string>> = {},
): Promise<Called> {
  const [method = '', path = ''] = request.split(' ')
  const init = body === undefined ? {} : { body: JSON.stringify(body) }
  const headers = { 'Content-Type': 'application/json', ...more }
  const response = await house.api(path, secret, { method, headers, ...init })
  const text = await response.text()
  return { status: response.status, answer: text === '' ? {} : JSON.parse(text), text }
}

/** `status code param` of a refusal; of anything else, the status. */
export async function refusal(
  house: House,
  secret: string,
  request: string,
  body?: unknown,
): Promise<string> {
  const { status, answer } = await call(house, secret, request, body)
  const error = answer['error'] as { code: string; param?: string } | undefined
  return [status, error?.code, error?.param].filter((it) => it !== undefined).join(' ')
}

/** What a list has, page by page. */
export async function listAll<Item>(house: House, secret: string, path: string): Promise<Item[]> {
  const items: Item[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor && `${path.includes('?') ? '&' : '?'}cursor=${cursor}`
    const { status, answer, text } = await call(house, secret, `GET ${path}${query}`)
    assert.equal(status, 200, text)
    items.push(...(answer['data'] as Item[]))
    cursor = answer['next_cursor'] as string | null
  }
  return items
}

/** Says whether an answer is as the document describes it, with nothing that the document does not name. */
export function describedBy({ profile }: House, schema: string): (item: unknown) => void {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  const document = readProfileFile(profile, profile.openapi) as {
    components: { schemas: Record<string, { additionalProperties?: boolean }> }
  }
  const described = document.components.schemas[schema]
  assert.ok(described, schema)
  const validate = ajv.compile({ ...described, additionalProperties: false })
  return (item) => assert.ok(validate(item), ajv.errorsText(validate.errors))
}
