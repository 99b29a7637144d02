// Lengths of time as people type them into a form: 90 days, 12 hours, 30 minutes, 45 seconds.
import { daySeconds, hourSeconds, minuteSeconds } from './time.ts'

const units = [
  ['day', daySeconds],
  ['hour', hourSeconds],
  ['minute', minuteSeconds],
  ['second', 1],
] as const

/** In the largest unit that it is a whole number of. */
export function writeDuration(seconds: number): string {
  const [word, length] = units.find(([, unit]) => seconds >= unit && seconds % unit === 0) ?? ['second', 1]
  const count = seconds / length
  return `${count} ${word}${count === 1 ? '' : 's'}`
}

/** In seconds; null for what is none. The unit may be its first letter alone, as on the command line. */
export function readDuration(text: string): number | null {
  const [, digits, word = ''] = /^(\d{1,9})\s*([a-z]+)$/.exec(text.trim().toLowerCase()) ?? []
  const unit = units.find(([name]) => word === name || word === `${name}s` || word === name.charAt(0))
  return digits === undefined || !unit ? null : Number(digits) * unit[1]
}
