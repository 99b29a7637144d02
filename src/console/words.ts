// Times and counts as people say them. English: other languages come with the messages of the profile.

/** The sentence for a word in an address; null for one of which there is none, such as `constructor`. */
export function sentenceFor(sentences: Readonly<Record<string, string>>, word: unknown): string | null {
  const name = String(word ?? '')
  return Object.hasOwn(sentences, name) ? (sentences[name] ?? null) : null
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const day = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
})
const minute = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
})

const units = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/** "3 minutes ago", "in 5 days"; "just now" within the last minute. */
export function fromNow(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000
  const unit = units.find(([, length]) => Math.abs(seconds) >= length)
  if (!unit) return seconds > 0 ? 'in less than a minute' : 'just now'
  return relative.format(Math.trunc(seconds / unit[1]), unit[0])
}

/** "26 Nov 2026" (UTC). */
export function onDay(at: Date): string {
  return day.format(at)
}

/** "26 Nov, 14:00 UTC" */
export function atMinute(at: Date): string {
  return `${minute.format(at)} UTC`
}

/** Where a credential was used from: a resource server that asks about one need not say. */
export const fromWhere = (address: string | null): string => address ?? 'an unknown address'

/** A client as it calls itself (User-Agent), short: its first product, or the browser and its system. */
export function shortClient(client: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\/[\d.]+/.exec(client)?.[1]
  const system = /(Windows|Macintosh|iPhone|iPad|Android|Linux)/.exec(client)?.[1]
  if (/^Mozilla\//.test(client) && browser) {
    const name = { Edg: 'Edge', OPR: 'Opera' }[browser] ?? browser
    return system ? `${name} on ${system === 'Macintosh' ? 'macOS' : system}` : name
  }
  return client.split(' ')[0]?.slice(0, 40) ?? ''
}
