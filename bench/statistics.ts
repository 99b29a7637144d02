// Figures of many slices as one: the middle, and the spread around it.

export interface Spread {
  readonly p20: number
  readonly median: number
  readonly p80: number
}

/** The value below which `percent` of the values lie, between two of them where none is exactly there. */
export function percentile(values: ArrayLike<number>, percent: number): number {
  const sorted = Float64Array.from(values).sort()
  const at = (sorted.length - 1) * (percent / 100)
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  if (low === undefined || high === undefined) throw new Error('no values')
  return low + (high - low) * (at - Math.floor(at))
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    p20: toFourDigits(percentile(values, 20)),
    median: toFourDigits(percentile(values, 50)),
    p80: toFourDigits(percentile(values, 80)),
  }
}

/** More digits than four would claim more than a shared machine can tell. */
function toFourDigits(value: number): number {
  return Number(value.toPrecision(4))
}
