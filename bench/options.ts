// The options that every comparison has, and how they are read.
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CompareSettings } from './compare.ts'
import { chooseTool, type Tool } from './load.ts'
import { RunFailed } from './run-failed.ts'

export interface ComparisonOptions {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly warmUp: number
  readonly load?: Tool
  readonly json?: true
}

/** Well within the hour that an access token lasts. */
const longestRunSeconds = 2400

/** @throws RunFailed when it would take too long, or when the load generator is missing */
export function settingsOf(
  { rounds, seconds, connections, warmUp, load }: ComparisonOptions,
  baseline: string,
  variantCount: number,
): CompareSettings {
  const total = (rounds + warmUp) * seconds * variantCount
  if (total > longestRunSeconds) {
    throw new RunFailed(
      `That would take ${Math.ceil(total / 60)} minutes; a run may take ${longestRunSeconds / 60}.`,
    )
  }
  return { rounds, seconds, connections, warmUpRounds: warmUp, baseline, tool: chooseTool(load) }
}

/** @param connections of the load generator, unless it is told otherwise */
export function addComparisonOptions(command: Command, connections = 32): Command {
  return command
    .option('--rounds <n>', 'measured rounds: a slice of each variant in turn', readWithin(1, 1000), 12)
    .option(
      '--seconds <s>',
      'length of a slice; wrk counts in whole seconds',
      readWithin(0.2, 60, 'fraction'),
      1,
    )
    .addOption(
      new Option('--load <tool>', 'load generator (default: wrk where it is installed)').choices([
        'wrk',
        'autocannon',
      ]),
    )
    .option(
      '--connections <n>',
      'keep-alive connections of the load generator',
      readWithin(1, 1000),
      connections,
    )
    .option('--warm-up <rounds>', 'rounds before the first measured one', readWithin(0, 100), 3)
    .option('--json', 'print one JSON value, and nothing else, on standard output')
}

/** A number within bounds; anything else is wrong use. */
export function readWithin(low: number, high: number, kind: 'whole' | 'fraction' = 'whole') {
  return (text: string): number => {
    const value = Number(text)
    const isRead = /^\d+(\.\d+)?$/.test(text) && (kind === 'fraction' || Number.isInteger(value))
    if (isRead && value >= low && value <= high) return value
    throw new InvalidArgumentError(
      `It must be a ${kind === 'whole' ? 'whole ' : ''}number from ${low} to ${high}.`,
    )
  }
}
