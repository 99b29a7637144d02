// For tests of the client: a little server that answers as it is told, and APIs that are made up.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { contractOf } from '../../scripts/client/contract.ts'
import type { Json } from '../../scripts/client/json.ts'
import type { Contract, Surroundings } from '../../src/client/entry.ts'

export interface Heard {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** When it came, by the client's clock. */
  readonly at: number
}

export type Reply = (res: ServerResponse, heard: Heard) => void

export interface Stage {
  readonly url: string
  /** The requests, the first first. */
  readonly heard: readonly Heard[]
  /** What is answered next; the last one is answered to all that follow. */
  answer(...replies: Reply[]): void
  /** A clock that only waiting moves, and chance that is always the greatest. */
  readonly surroundings: Surroundings
  /** The waits between tries, in milliseconds. */
  readonly waits: readonly number[]
}

export async function startStage(t: TestContext): Promise<Stage> {
  const heard: Heard[] = []
  const waits: number[] = []
  let now = Date.parse('2026-11-26T12:00:00Z')
  let replies: readonly Reply[] = []
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req.setEncoding('utf8')) body += chunk
    const it = { method: req.method ?? '', path: req.url ?? '', headers: req.headers, body, at: now }
    heard.push(it)
    const [reply, ...rest] = replies
    if (rest.length > 0) replies = rest
    assert.ok(reply, 'nothing is to be answered')
    reply(res, it)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    url: `http://127.0.0.1:${address.port}`,
    heard,
    waits,
    answer: (...given) => {
      replies = given
      heard.length = 0
      waits.length = 0
    },
    surroundings: {
      now: () => now,
      random: () => 1,
      sleep: async (milliseconds) => {
        waits.push(milliseconds)
        now += milliseconds
      },
    },
  }
}

export const json =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply =>
  (res) => {
    res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body))
  }

export const hangUp: Reply = (res) => res.destroy()

/** The contracts' four, as their profiles write them. */
export const envelopes = {
  boothzen: {
    item: '{item}',
    list: { data: '{items}', next_cursor: '{next_cursor}' },
    problem: {
      error: {
        type: '{type}',
        code: '{code}',
        message: '{message}',
        param: '{param}',
        request_id: '{request_id}',
      },
    },
  },
  boooply: {
    item: { success: true, '...': '{item}' },
    list: { success: true, data: '{items}', nextCursor: '{next_cursor}' },
    problem: { success: false, error: '{message}', code: '{code}' },
  },
  evalyo: {
    item: { data: '{item}' },
    list: { data: '{items}', next_cursor: '{next_cursor}' },
    problem: {
      type: '{documentation}',
      title: '{title}',
      status: '{status}',
      detail: '{message}',
      code: '{code}',
      request_id: '{request_id}',
    },
  },
  busyboard: {
    item: { success: true, data: '{item}', message: '{message}' },
    list: {
      success: true,
      data: '{items}',
      message: '{message}',
      pagination: { page: '{page}', limit: '{limit}', total: '{total}', totalPages: '{total_pages}' },
    },
    problem: { success: false, message: '{message}', data: null, statusCode: '{status}' },
  },
}

const listAnswer = {
  '200': {
    content: {
      'application/json': { schema: { type: 'object', properties: { data: { type: 'array' } } } },
    },
  },
}

/** An API with things, in one of the envelopes. */
export function thingsApi(
  name: keyof typeof envelopes,
  brand: string,
  style: 'cursor' | 'page' | 'link' = 'cursor',
  header = 'Authorization',
): Contract {
  const profile: Json = {
    name,
    brand: { name: brand },
    basePath: '/v1',
    credentials: { header, prefixes: { api_key: { live: 'tk_live_' }, platform_key: 'tk_platform_' } },
    envelope: envelopes[name],
    pagination: { style },
  }
  const query = [{ name: 'limit', in: 'query' }]
  const idempotent = [{ name: 'Idempotency-Key', in: 'header' }]
  const document = {
    paths: {
      '/things': {
        get: { operationId: 'listThings', parameters: query, responses: listAnswer },
        post: { operationId: 'createThing', parameters: idempotent, requestBody: {} },
      },
      '/things/{id}': { get: { operationId: 'getThing' }, delete: { operationId: 'deleteThing' } },
      '/things/{id}/paint': { post: { operationId: 'paintThing' } },
    },
  }
  return contractOf(profile, document)
}
