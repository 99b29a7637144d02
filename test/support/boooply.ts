// Boooply's pages put to work: their commands run as printed, their envelope read. No promises of its own.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before } from 'node:test'
import { promisify } from 'node:util'
import type { Organization } from '../../src/organizations/organization-store.ts'
import { type House, startHouse } from './house.ts'

/** What the pages call the server. */
export const publishedHost = 'https://api.meetings.boooply.com'

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** One house for all tests of a file: it opens before the first and closes after the last. */
export function openBoooply(): () => House {
  let house: House | null = null
  const ends: (() => Promise<void>)[] = []
  before(async () => {
    // startHouse takes what it needs of a test: to be told when it is over.
    const t = { after: (end: () => Promise<void>) => ends.unshift(end) }
    house = await startHouse(t as unknown as Parameters<typeof startHouse>[0], { profile: 'boooply' })
  })
  after(async () => {
    for (const end of ends) await end()
  })
  return () => {
    if (!house) throw new Error('the house opens with the first test')
    return house
  }
}

/** `GET /interviews` with a credential, and with a JSON body where there is one. */
export async function ask(
  house: House,
  credential: string | null,
  request: string,
  body?: unknown,
): Promise<Answered> {
  const [method = '', path = ''] = request.split(' ')
  const init = body === undefined ? {} : { body: JSON.stringify(body) }
  const headers = { 'Content-Type': 'application/json' }
  const response = await house.api(path, credential, { method, headers, ...init })
  return read(response)
}

export async function read(response: Response): Promise<Answered> {
  const body = (await response.json()) as Answered['body'] // its fields are asserted by whoever uses them
  return { status: response.status, headers: response.headers, body }
}

/** `400 INVALID_PARAMETER userId: is required.`: what a refusal says, which has to be in the published envelope. */
export function refusalIn({ status, body }: Pick<Answered, 'status' | 'body'>): string {
  assert.deepEqual(Object.keys(body), ['success', 'error', 'code'], JSON.stringify(body))
  assert.equal(body['success'], false)
  return `${status} ${body['code']} ${body['error']}`
}

const run = promisify(execFile)

/** Runs a command of the pages in a shell: only the host is changed, and the key put in. */
export async function runPrinted(
  command: string,
  house: Pick<House, 'url'>,
  put: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  let text = command.replaceAll(publishedHost, house.url)
  assert.notEqual(text, command, 'the command names the published host')
  for (const [printed, real] of Object.entries(put)) {
    assert.ok(text.includes(printed), `the command shows ${printed}`)
    text = text.replaceAll(printed, real)
  }
  const { stdout } = await run('sh', ['-c', text])
  return JSON.parse(stdout)
}

let organizations = 0

/** An organization with a key of its own, as the dashboard makes it, and one interview. */
export async function newCompany(house: House): Promise<{
  organization: Organization
  key: string
  interview: string
}> {
  organizations += 1
  const organization = await house.organization(`Company ${organizations}`)
  const { secret } = await house.key(organization, 'live', [])
  const made = await ask(house, secret, 'POST /interviews', newInterview)
  assert.equal(made.status, 201)
  return { organization, key: secret, interview: String(made.body['id']) }
}

/** As the pages create one. */
export const newInterview = {
  type: 'ai',
  jobRole: 'Frontend Engineer',
  candidate: { name: 'Jane', email: 'jane@example.com' },
}
