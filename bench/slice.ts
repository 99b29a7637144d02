// What a slice of load says.
import { percentile } from './statistics.ts'

export interface Load {
  readonly seconds: number
  readonly requests: number
  readonly latencyMedianMs: number
  readonly latencyP99Ms: number
  /** CPU seconds of the generator per second: near 1, it was the generator that could not do more. */
  readonly generatorShare: number
}

/** A slice of which every latency is known. @param cpu that its generator has used */
export function loadOf(latenciesMs: readonly number[], seconds: number, cpu: NodeJS.CpuUsage): Load {
  return {
    seconds,
    requests: latenciesMs.length,
    latencyMedianMs: percentile(latenciesMs, 50),
    latencyP99Ms: percentile(latenciesMs, 99),
    generatorShare: (cpu.user + cpu.system) / 1e6 / seconds,
  }
}
