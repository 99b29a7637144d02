// What a run says: one value for programs, and the same as a table for people.
import { availableParallelism, cpus, loadavg } from 'node:os'
import type { CompareSettings, Figures } from './compare.ts'
import type { Spread } from './statistics.ts'

export interface Report {
  readonly benchmark: string
  readonly date: string
  readonly node: string
  /** Flags of Node.js: the servers under test have the same. */
  readonly nodeFlags: readonly string[]
  readonly cpu: string
  readonly cores: number
  /** How busy the machine was before the run. */
  readonly loadAverage: number
  readonly settings: CompareSettings & { readonly database: string }
  readonly variants: readonly Figures[]
}

/** Where and when: asked for before the load, which would be seen in it. */
export function describeMachine(): Omit<Report, 'benchmark' | 'settings' | 'variants'> {
  return {
    date: new Date().toISOString(),
    node: process.versions.node,
    nodeFlags: process.execArgv,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    loadAverage: loadavg()[0] ?? 0,
  }
}

/** From this share on it was the load generator that could do no more. */
const busyGenerator = 0.9

export function reportText(report: Report): string {
  const { settings, variants } = report
  const limited = variants.filter(({ generatorShare }) => generatorShare.median >= busyGenerator)
  const lines = [
    `${report.benchmark}: ${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections, ` +
      `${settings.database} PostgreSQL`,
    `${report.date}, Node.js ${report.node}, ${report.cores} × ${report.cpu}, load average ${report.loadAverage.toFixed(2)}`,
    '',
    ...tableLines([head, ...variants.map(rowOf)]),
    '',
    'quiet = 80th percentile of throughput, 20th of CPU; ratios are medians of paired ratios (p20..p80)',
  ]
  if (limited.length > 0) {
    const names = limited.map(({ title }) => title).join(', ')
    lines.push(`the load generator was the limit for: ${names}. They can do more; go by CPU there.`)
  }
  return lines.join('\n')
}

const head = [
  ...['', 'requests/s', 'quiet', 'CPU µs', 'quiet', 'median ms', 'p99 ms'],
  ...['throughput ratio', 'CPU ratio', 'generator'],
]

function rowOf(it: Figures): string[] {
  return [
    it.title,
    it.requestsPerSecond.median.toFixed(0),
    it.requestsPerSecond.p80.toFixed(0),
    it.cpuMicros.median.toFixed(1),
    it.cpuMicros.p20.toFixed(1),
    it.latencyMedianMs.median.toFixed(2),
    it.latencyP99Ms.median.toFixed(2),
    ratioText(it.throughputRatio),
    ratioText(it.cpuRatio),
    `${(it.generatorShare.median * 100).toFixed(0)} %`,
  ]
}

function ratioText({ p20, median, p80 }: Spread): string {
  return `${median.toFixed(2)} (${p20.toFixed(2)}..${p80.toFixed(2)})`
}

/** Titles to the left, figures to the right. */
function tableLines(rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}
