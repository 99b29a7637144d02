// Several servers side by side: slices of load in turn, A B C A B C …, so that a noisy moment of the machine
// meets all of them, and each is compared with the baseline of its own round.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cleanup } from './cleanup.ts'
import { type Load, type LoadSettings, sendLoad, type Target } from './load.ts'
import { RunFailed } from './run-failed.ts'
import type { ServerProcess } from './server-process.ts'
import { type Spread, spreadOf } from './statistics.ts'

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
  /** The variant that it is held against as well. */
  readonly beside?: string
  /** What its next slice needs, made before anything is measured. */
  readonly prepare?: () => Promise<void>
  /** So long what a slice has left to do may still keep the server busy, in ms; its CPU time counts. */
  readonly settleMs?: number
  /** CPU time that its database has used by now, in µs; null where it can't be seen. */
  readonly databaseCpuMicros?: () => Promise<number | null>
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
  /** Of the database's processes, per request; null where it was not looked for or can't be seen. */
  readonly databaseCpuMicros: Spread | null
  readonly latencyMedianMs: Spread
  readonly latencyP99Ms: Spread
  /** To the baseline of the same round. */
  readonly throughputRatio: Spread
  readonly cpuRatio: Spread
  readonly latencyMedianRatio: Spread
  readonly latencyP99Ratio: Spread
  /** CPU seconds of the load generator per second. */
  readonly generatorShare: Spread
  /** Where it is held against another variant than the baseline, too: to that of the same round. */
  readonly beside?: { readonly name: string; readonly throughputRatio: Spread; readonly cpuRatio: Spread }
}

interface Slice {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly cpuMicros: number
  readonly databaseCpuMicros: number | null
  readonly latencyMedianMs: number
  readonly latencyP99Ms: number
  readonly generatorShare: number
}

/** So long the requests that the end of a slice cut off may still keep the server busy, in ms. */
const cutOffMs = 30

/** @throws RunFailed for the first answer that is not as expected */
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
  return variants.map(({ name, title, baseline = settings.baseline, beside }) => {
    const figures = { name, title, ...figuresOf(slicesOf(name), slicesOf(baseline)) }
    if (beside === undefined) return figures
    const { throughputRatio, cpuRatio } = figuresOf(slicesOf(name), slicesOf(beside))
    return { ...figures, beside: { name: beside, throughputRatio, cpuRatio } }
  })
}

async function measureSlice(variant: Variant, settings: LoadSettings, signal: AbortSignal): Promise<Slice> {
  const { name, server, target } = variant
  const used = async () => ({
    server: await server.cpuMicros(),
    database: (await variant.databaseCpuMicros?.()) ?? null,
  })
  await variant.prepare?.()
  const send: SendSlice = typeof target === 'function' ? target : (its, stop) => sendLoad(target, its, stop)
  const before = await used()
  const { requests, seconds, ...load } = await send(settings, signal).catch((thrown) => {
    throw thrown instanceof RunFailed ? new RunFailed(`${name}: ${thrown.message}`) : thrown
  })
  await sleep(variant.settleMs ?? cutOffMs)
  const after = await used()
  const ofDatabase =
    before.database === null || after.database === null ? null : after.database - before.database
  return {
    ...load,
    requests,
    requestsPerSecond: requests / seconds,
    cpuMicros: (after.server - before.server) / requests,
    databaseCpuMicros: ofDatabase === null ? null : ofDatabase / requests,
  }
}

function figuresOf(slices: readonly Slice[], baseline: readonly Slice[]): Omit<Figures, 'name' | 'title'> {
  const spread = (of: keyof Slice) => spreadOf(slices.map((slice) => slice[of] ?? Number.NaN))
  const ratio = (of: keyof Slice) =>
    spreadOf(slices.map((slice, round) => (slice[of] ?? Number.NaN) / (baseline[round]?.[of] ?? Number.NaN)))
  return {
    requests: slices.reduce((sum, { requests }) => sum + requests, 0),
    requestsPerSecond: spread('requestsPerSecond'),
    cpuMicros: spread('cpuMicros'),
    databaseCpuMicros: slices.some((slice) => slice.databaseCpuMicros === null)
      ? null
      : spread('databaseCpuMicros'),
    latencyMedianMs: spread('latencyMedianMs'),
    latencyP99Ms: spread('latencyP99Ms'),
    throughputRatio: ratio('requestsPerSecond'),
    cpuRatio: ratio('cpuMicros'),
    latencyMedianRatio: ratio('latencyMedianMs'),
    latencyP99Ratio: ratio('latencyP99Ms'),
    generatorShare: spread('generatorShare'),
  }
}
