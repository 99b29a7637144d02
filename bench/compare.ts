// Several servers side by side: slices of load in turn, A B C A B C …, so that a noisy moment of the machine
// meets all of them, and each is compared with the baseline of its own round.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cleanup } from './cleanup.ts'
import { type Load, type LoadSettings, sendLoad, type Target } from './load.ts'
import { RunFailed } from './run-failed.ts'
import type { ServerProcess } from './server-process.ts'
import { percentile, type Spread, spreadOf } from './statistics.ts'

export interface Variant {
  /** For programs. */
  readonly name: string
  /** For people. */
  readonly title: string
  readonly server: ServerProcess
  /** The same request over and over, or a slice of load of its own kind. */
  readonly target: Target | SendSlice
  /** The variant whose figures are 1, where it is another than the settings name. */
  readonly baseline?: string
  /** What its next slice needs, made before anything is measured. */
  readonly prepare?: () => Promise<void>
}

/** @throws RunFailed for any answer but the right one */
export type SendSlice = (settings: LoadSettings, signal: AbortSignal) => Promise<Load>

export interface CompareSettings extends LoadSettings {
  readonly rounds: number
  readonly warmUpRounds: number
  /** The name of the variant whose figures are 1. */
  readonly baseline: string
}

export interface Figures {
  readonly name: string
  readonly title: string
  readonly requests: number
  readonly requestsPerSecond: Spread
  /** Of the server's process, per request. */
  readonly cpuMicros: Spread
  readonly latencyMedianMs: Spread
  readonly latencyP99Ms: Spread
  /** To the baseline of the same round. */
  readonly throughputRatio: Spread
  readonly cpuRatio: Spread
  /** CPU seconds of the load generator per second. */
  readonly generatorShare: Spread
}

interface Slice {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly cpuMicros: number
  readonly latencyMedianMs: number
  readonly latencyP99Ms: number
  readonly generatorShare: number
}

/** So long the requests that the end of a slice cut off may still keep the server busy, in ms. */
const settleMs = 30

/** @throws RunFailed for the first answer that is not 200 */
export async function compare(
  variants: readonly Variant[],
  settings: CompareSettings,
  { signal }: Cleanup,
  tell: (progress: string) => void,
): Promise<Figures[]> {
  const slices = new Map<string, Slice[]>(variants.map(({ name }) => [name, []]))
  for (let round = 1 - settings.warmUpRounds; round <= settings.rounds; round += 1) {
    tell(round < 1 ? 'warming up' : `round ${round} of ${settings.rounds}`)
    for (const variant of variants) {
      const slice = await measureSlice(variant, settings, signal)
      if (round >= 1) slices.get(variant.name)?.push(slice)
    }
  }
  const slicesOf = (name: string) => slices.get(name) ?? []
  return variants.map(({ name, title, baseline = settings.baseline }) => ({
    ...{ name, title },
    ...figuresOf(slicesOf(name), slicesOf(baseline)),
  }))
}

async function measureSlice(
  { name, server, target, prepare }: Variant,
  settings: LoadSettings,
  signal: AbortSignal,
): Promise<Slice> {
  await prepare?.()
  const send: SendSlice = typeof target === 'function' ? target : (its, stop) => sendLoad(target, its, stop)
  const cpuBefore = await server.cpuMicros()
  const { latenciesMs, seconds, generatorShare } = await send(settings, signal).catch((thrown) => {
    throw thrown instanceof RunFailed ? new RunFailed(`${name}: ${thrown.message}`) : thrown
  })
  await sleep(settleMs)
  const cpu = (await server.cpuMicros()) - cpuBefore
  const requests = latenciesMs.length
  return {
    requests,
    requestsPerSecond: requests / seconds,
    cpuMicros: cpu / requests,
    latencyMedianMs: percentile(latenciesMs, 50),
    latencyP99Ms: percentile(latenciesMs, 99),
    generatorShare,
  }
}

function figuresOf(slices: readonly Slice[], baseline: readonly Slice[]): Omit<Figures, 'name' | 'title'> {
  const spread = (of: keyof Slice) => spreadOf(slices.map((slice) => slice[of]))
  const ratio = (of: keyof Slice) =>
    spreadOf(slices.map((slice, round) => slice[of] / (baseline[round]?.[of] ?? Number.NaN)))
  return {
    requests: slices.reduce((sum, { requests }) => sum + requests, 0),
    requestsPerSecond: spread('requestsPerSecond'),
    cpuMicros: spread('cpuMicros'),
    latencyMedianMs: spread('latencyMedianMs'),
    latencyP99Ms: spread('latencyP99Ms'),
    throughputRatio: ratio('requestsPerSecond'),
    cpuRatio: ratio('cpuMicros'),
    generatorShare: spread('generatorShare'),
  }
}
