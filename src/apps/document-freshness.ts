// For how long a metadata document may be used without asking for it again (RFC 9111; SECURITY D4).
import { daySeconds, hourSeconds, minuteSeconds } from '../lib/time.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

const shortest = minuteSeconds
const longest = daySeconds
const usual = hourSeconds

/** Seconds, as the answer's headers say, within bounds: a minute even for one that wants never to be kept. */
export function freshSeconds(headers: Headers): number {
  const control = String(headers['cache-control'] ?? '').toLowerCase()
  if (/(^|[\s,])no-(store|cache)\b/.test(control)) return shortest
  const said =
    secondsOf(control, 's-maxage') ?? secondsOf(control, 'max-age') ?? untilExpiry(headers) ?? usual
  const age = Number(headers['age'] ?? 0)
  return Math.min(longest, Math.max(shortest, said - (Number.isFinite(age) ? Math.max(0, age) : 0)))
}

function secondsOf(control: string, name: string): number | null {
  const [, digits] = new RegExp(`(?:^|[\\s,])${name}="?(\\d{1,10})`).exec(control) ?? []
  return digits === undefined ? null : Number(digits)
}

function untilExpiry(headers: Headers): number | null {
  const seconds = (Date.parse(String(headers['expires'])) - Date.parse(String(headers['date']))) / 1000
  return Number.isFinite(seconds) ? seconds : null
}
