// Apps that refresh their tokens at a steady rate, whatever the server can do: each with a family of its own, over a
// kept connection. A request that goes out late, since the one before it was slow, is counted from when it was due.
import { type Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { RunFailed } from './run-failed.ts'

export interface Family {
  readonly clientId: string
  /** The one that is good now. */
  refreshToken: string
}

export interface RefreshLoad {
  readonly url: string
  readonly families: readonly Family[]
  /** Of all of them together. */
  readonly requestsPerSecond: number
  readonly agent: Agent
}

/** The latency of each request in ms. @throws RunFailed for any answer but 200 */
export async function refreshFor(load: RefreshLoad, seconds: number, signal: AbortSignal): Promise<number[]> {
  const latenciesMs: number[] = []
  // Once before it counts: a server closes connections that were idle between two slices.
  await Promise.all(load.families.map((family) => refreshOnce(load, family)))
  const everyMs = (load.families.length / load.requestsPerSecond) * 1000
  const began = performance.now()
  const end = began + seconds * 1000
  await Promise.all(
    load.families.map(async (family, index) => {
      const first = began + (index / load.families.length) * everyMs
      for (let due = first; due < end; due += everyMs) {
        signal.throwIfAborted()
        const early = due - performance.now()
        if (early > 0) await sleep(early)
        await refreshOnce(load, family)
        latenciesMs.push(performance.now() - due)
      }
    }),
  )
  return latenciesMs
}

async function refreshOnce({ url, agent }: RefreshLoad, family: Family): Promise<void> {
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: family.clientId,
    refresh_token: family.refreshToken,
  }).toString()
  const { status, text } = await post(url, agent, body)
  if (status !== 200)
    throw new RunFailed(`${url} answered ${status} (${text}), but every answer must be 200.`)
  family.refreshToken = (JSON.parse(text) as { refresh_token: string }).refresh_token
}

function post(url: string, agent: Agent, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': Buffer.byteLength(body),
    }
    const asking = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asking.on('error', (cause: NodeJS.ErrnoException) => {
      // Closed by the server as we sent: asked again, which costs a refresh token nothing.
      if (asking.reusedSocket && cause.code === 'ECONNRESET') resolve(post(url, agent, body))
      else reject(cause)
    })
    asking.end(body)
  })
}
