// Dates as people read them, in UTC: whoever reads may sit anywhere, and pages have no script to ask where.

const day = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
})
/** 3 December 2026, 14:05 UTC */
export function momentInWords(at: Date): string {
  return `${day.format(at)}, ${at.toISOString().slice(11, 16)} UTC`
}
