// One slice of load: keep-alive connections from this one process, and a look at every answer.
import autocannon from 'autocannon'
import { RunFailed } from './run-failed.ts'

export interface Target {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** JSON; with it the request is a POST that must be answered 201. */
  readonly body?: string
}

export interface LoadSettings {
  readonly seconds: number
  readonly connections: number
}

export interface Load {
  readonly seconds: number
  /** One per answer. */
  readonly latenciesMs: readonly number[]
  /** CPU seconds of this process per second: near 1, it was the generator that could not do more. */
  readonly generatorShare: number
}

const answerWithinSeconds = 5
// The end of a slice is noticed at a sample.
const sampleMs = 20

/** The one status that a target may answer. */
export const expectedStatus = ({ body }: Target): 200 | 201 => (body === undefined ? 200 : 201)

/** @throws RunFailed for any answer but 200 (201 to a POST), or none */
export async function sendLoad(target: Target, settings: LoadSettings, signal: AbortSignal): Promise<Load> {
  signal.throwIfAborted()
  const expected = expectedStatus(target)
  const latenciesMs: number[] = []
  let trouble: string | null = null
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await new Promise<void>((resolve, reject) => {
    const options: autocannon.Options = {
      url: target.url,
      headers: { ...target.headers },
      ...(target.body === undefined ? {} : { method: 'POST', body: target.body }),
      connections: settings.connections,
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
  const { user, system } = process.cpuUsage(cpu)
  if (trouble === null && latenciesMs.length === 0) trouble = `did not answer in ${settings.seconds} s`
  if (trouble !== null) throw new RunFailed(`${target.url} ${trouble}, but every answer must be ${expected}.`)
  return { seconds, latenciesMs, generatorShare: (user + system) / 1e6 / seconds }
}
