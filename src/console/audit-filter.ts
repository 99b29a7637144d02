// What people look for in the audit log: read from the address of the page, and put back into its form.
import type { EventFilter } from '../audit/read-store.ts'
import { Problem } from '../core/problems.ts'
import { daySeconds, secondMs } from '../lib/time.ts'
import { isAction } from './audit-words.ts'

export const filterFields = ['action', 'who', 'target', 'from', 'to'] as const

/** As it was typed; '' for what was left out. */
export type TypedFilter = Readonly<Record<(typeof filterFields)[number], string>>

const longestText = 200
/** Of whom there is only one, and who has no id. */
const loners = {
  'command line': 'command_line',
  'the command line': 'command_line',
  server: 'server',
} as const

export function typedFilter(query: Readonly<Record<string, unknown>>): TypedFilter {
  const typed = (name: string) =>
    String(query[name] ?? '')
      .trim()
      .slice(0, longestText)
  return {
    action: typed('action'),
    who: typed('who'),
    target: typed('target'),
    from: typed('from'),
    to: typed('to'),
  }
}

/** The filter as the end of an address, and with it what else is to stand there. */
export function filterQuery(typed: TypedFilter, more: Readonly<Record<string, string>>): string {
  const set = Object.entries({ ...typed, ...more }).filter(([, value]) => value !== '')
  return new URLSearchParams(set).toString()
}

/**
 * @param findMember the id of the member with an address
 * @throws Problem invalid_parameter that names the field
 */
export async function readFilter(
  organization: string,
  { action, who, target, from, to }: TypedFilter,
  findMember: (email: string) => Promise<string | null>,
): Promise<EventFilter> {
  if (action !== '' && !isAction(action)) throw wrong('action', 'Choose an action from the list.')
  if (target !== '' && !isId(target))
    throw wrong('target', 'Enter the id of what it was done to, such as key_….')
  const begin = from === '' ? null : readDay('from', from)
  const end = to === '' ? null : readDay('to', to)
  if (begin && end && end < begin) throw wrong('to', 'The last day comes before the first.')
  return {
    organization,
    ...(action === '' ? {} : { action }),
    ...(who === '' ? {} : { actor: await readActor(who, findMember) }),
    ...(target === '' ? {} : { target }),
    ...(begin ? { from: begin } : {}),
    ...(end ? { until: new Date(end.getTime() + daySeconds * secondMs) } : {}),
  }
}

async function readActor(who: string, findMember: (email: string) => Promise<string | null>) {
  const name = who.toLowerCase()
  if (name === 'command line' || name === 'the command line' || name === 'server')
    return { kind: loners[name] }
  if (who.includes('@')) {
    const id = await findMember(who)
    if (id === null) {
      throw wrong('who', 'No member has that email address. Somebody who has left is found by their id.')
    }
    return { id }
  }
  if (/^(person|key|app|platform)_/.test(who) && isId(who)) return { id: who }
  throw wrong('who', 'Enter an email address, the id of a person, key, app or platform, or “command line”.')
}

const isId = (text: string) => /^[\w.:-]+$/.test(text)

/** The beginning of a day in UTC. */
function readDay(param: string, text: string): Date {
  const day = new Date(`${text}T00:00:00Z`)
  // 30 February would be taken for 2 March; PostgreSQL's years end where ours do, near enough.
  const isDay =
    /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
  if (!isDay) throw wrong(param, 'Enter a day as year, month and day, such as 2026-11-26.')
  return day
}

const wrong = (param: string, say: string) => new Problem('invalid_parameter', { param, say })
