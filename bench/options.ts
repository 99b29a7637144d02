// The options that every comparison has, and how they are read.
import { type Command, InvalidArgumentError } from 'commander'

export interface ComparisonOptions {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly warmUp: number
  readonly json?: true
}

export function addComparisonOptions(command: Command): Command {
  return command
    .option('--rounds <n>', 'measured rounds: a slice of each variant in turn', readWithin(1, 1000), 12)
    .option('--seconds <s>', 'length of a slice; fractions are allowed', readWithin(0.2, 60, 'fraction'), 1)
    .option('--connections <n>', 'keep-alive connections of the load generator', readWithin(1, 1000), 32)
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
