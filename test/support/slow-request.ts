// A request that stays in flight until the test lets it end.
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { ServerProcess } from './server-process.ts'

export interface SlowRequest {
  /** Sends the rest of it, and waits for the answer. */
  finish(): Promise<{ readonly status: number; readonly body: string }>
}

export const newBooking = JSON.stringify({
  starts_at: '2030-06-01T18:00:00Z',
  ends_at: '2030-06-01T23:00:00Z',
  customer_id: `cu_${'1'.repeat(26)}`,
  total: { amount: 45_000, currency: 'EUR' },
})

/** A booking of which the server has the head, and not yet the body. */
export async function beginBooking({ url }: ServerProcess, key: string): Promise<SlowRequest> {
  const begun = request(`${url}/api/v1/bookings`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${key}`,
      Connection: 'keep-alive',
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(newBooking),
      Expect: '100-continue',
    },
  })
  const answered = once(begun, 'response') as Promise<[IncomingMessage]>
  // Whoever finishes it sees the failure too; who never does need not.
  answered.catch(() => {})
  begun.flushHeaders()
  await once(begun, 'continue') // what the server says when it has begun to read
  return {
    finish: async () => {
      begun.end(newBooking)
      const [response] = await answered
      return { status: response.statusCode ?? 0, body: await text(response) }
    },
  }
}
