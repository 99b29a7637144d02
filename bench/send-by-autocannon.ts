// Load from this one process, for where nothing else is installed: it needs some 20 µs per request itself.
import autocannon from 'autocannon'
import type { LoadSettings } from './load.ts'
import { RunFailed } from './run-failed.ts'
import { type Load, loadOf } from './slice.ts'
import { placeholder, type Target } from './target.ts'

const answerWithinSeconds = 5
// The end of a slice is noticed at a sample.
const sampleMs = 20

/** @throws RunFailed for any answer but the expected one, or none */
export async function sendByAutocannon(
  target: Target,
  settings: LoadSettings,
  signal: AbortSignal,
): Promise<Load> {
  const { url, status: expected = 200, pauseMs } = target
  const latenciesMs: number[] = []
  let trouble: string | null = null
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await new Promise<void>((resolve, reject) => {
    const options: autocannon.Options = {
      url,
      ...requestsOf(target),
      connections: settings.connections,
      ...(pauseMs === undefined ? {} : { overallRate: (settings.connections * 1000) / pauseMs }),
      duration: settings.seconds,
      timeout: answerWithinSeconds,
      sampleInt: sampleMs,
      bailout: 1,
      skipAggregateResult: true,
    }
    const stop = () => instance.stop()
    const instance = autocannon(options, (failure) => {
      signal.removeEventListener('abort', stop)
      if (failure) reject(failure)
      else resolve()
    })
    // Its own histogram counts whole milliseconds, and half a second may be all zeros.
    instance.on('response', (_client, status, _bytes, ms) => {
      latenciesMs.push(ms)
      if (status === expected) return
      trouble ??= `answered ${status}`
      stop()
    })
    instance.on('reqError', (error: Error) => {
      trouble ??= `did not answer (${error.message})`
    })
    signal.addEventListener('abort', stop)
  })
  signal.throwIfAborted()
  const seconds = (performance.now() - startedAt) / 1000
  const used = process.cpuUsage(cpu)
  if (trouble === null && latenciesMs.length === 0) trouble = `did not answer in ${settings.seconds} s`
  if (trouble !== null) throw new RunFailed(`${url} ${trouble}, but every answer must be ${expected}.`)
  return loadOf(latenciesMs, seconds, used)
}

/** Of all slices: the next one goes on where the last one ended. */
let sent = 0

function requestsOf({ method = 'GET', headers, body, values }: Target): Partial<autocannon.Options> {
  const plain = { method, headers: { ...headers }, ...(body === undefined ? {} : { body }) }
  if (!values) return plain
  const setupRequest = (request: autocannon.Request): autocannon.Request => {
    const value = values[sent++ % values.length] ?? ''
    const filled = Object.entries(headers).map(([name, text]) => [name, text.replace(placeholder, value)])
    return {
      ...request,
      headers: Object.fromEntries(filled),
      ...(body === undefined ? {} : { body: body.replace(placeholder, value) }),
    }
  }
  return { requests: [{ ...plain, setupRequest }] }
}
