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
  /** What a reader has to know of this run. */
  readonly notes?: readonly string[]
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
  const hasDatabase = variants.some(({ databaseCpuMicros }) => databaseCpuMicros !== null)
  const columns = hasDatabase ? [...head.slice(0, 5), databaseHead, ...head.slice(5)] : head
  const lines = [
    ...headLines(report, settings),
    '',
    ...tableLines([columns, ...variants.map((it) => rowOf(it, hasDatabase))]),
    '',
    'quiet = 80th percentile of throughput, 20th of CPU; ratios are medians of paired ratios (p20..p80)',
    ...variants.flatMap((it) => besideText(it, variants)),
    ...(report.notes ?? []),
  ]
  if (limited.length > 0) {
    const names = limited.map(({ title }) => title).join(', ')
    lines.push(`the load generator was the limit for: ${names}. They can do more; go by CPU there.`)
  }
  return lines.join('\n')
}

function besideText({ title, beside }: Figures, variants: readonly Figures[]): string[] {
  if (!beside) return []
  const other = variants.find(({ name }) => name === beside.name)?.title ?? beside.name
  const { throughputRatio, cpuRatio } = beside
  return [`${title} to ${other}: throughput ${ratioText(throughputRatio)}, CPU ${ratioText(cpuRatio)}`]
}

/** Of what was measured, how, and where. */
export function headLines(
  report: Omit<Report, 'settings' | 'variants'>,
  settings: Report['settings'],
): string[] {
  return [
    `${report.benchmark}: ${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections ` +
      `by ${settings.tool}, ${settings.database} PostgreSQL`,
    `${report.date}, Node.js ${report.node}, ${report.cores} × ${report.cpu}, load average ${report.loadAverage.toFixed(2)}`,
  ]
}

const databaseHead = 'PostgreSQL µs'
const head = [
  ...['', 'requests/s', 'quiet', 'CPU µs', 'quiet', 'median ms', 'p99 ms'],
  ...['throughput ratio', 'CPU ratio', 'generator'],
]

function rowOf(it: Figures, hasDatabase: boolean): string[] {
  return [
    it.title,
    it.requestsPerSecond.median.toFixed(0),
    it.requestsPerSecond.p80.toFixed(0),
    it.cpuMicros.median.toFixed(1),
    it.cpuMicros.p20.toFixed(1),
    ...(hasDatabase ? [it.databaseCpuMicros?.median.toFixed(1) ?? '–'] : []),
    it.latencyMedianMs.median.toFixed(2),
    it.latencyP99Ms.median.toFixed(2),
    ratioText(it.throughputRatio),
    ratioText(it.cpuRatio),
    `${(it.generatorShare.median * 100).toFixed(0)} %`,
  ]
}

export function ratioText({ p20, median, p80 }: Spread): string {
  return `${median.toFixed(2)} (${p20.toFixed(2)}..${p80.toFixed(2)})`
}

/** Titles to the left, figures to the right. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}
