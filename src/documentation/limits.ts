// How often one may ask, and what the answers say of it.
import { writeDuration } from '../lib/durations.ts'
import { problemAnswer, varies } from './answers.ts'
import { code, list, stack, table, text } from './markdown.ts'
import { requestLine, type Subject } from './subject.ts'

type RateClass = Subject['profile']['rateClasses'][string]

export function limitsPage(subject: Subject): string {
  const { profile } = subject
  const { limit, remaining, reset, resetAs } = profile.headers.rateLimit
  const [first] = Object.values(profile.rateClasses)
  const narrowest = narrowFirst(first).at(0)?.requests ?? 0
  const hasSeveralWindows = Object.values(profile.rateClasses).some(({ windows }) => windows.length > 1)
  const until =
    resetAs === 'seconds_left'
      ? 'seconds until the window is over'
      : 'when the window is over, in seconds since 1970 (UTC)'
  const { requests, seconds } = profile.failedCredentials
  const hasTokens = profile.oauth.enabled
  return stack(
    '# Limits',
    `Requests are counted, so that one program can’t slow down the others.${hasTokens ? ' API keys and access tokens are counted alike.' : ''}`,
    table(
      ['What', 'Limit', 'Counted for each'],
      Object.values(profile.rateClasses).map((it) => [
        text(it.title),
        narrowFirst(it)
          .map((window) => `${window.requests} in ${writeDuration(window.seconds)}`)
          .join(', and '),
        countedFor(it, hasTokens),
      ]),
    ),
    hasSeveralWindows ? 'Where there are two limits, both have to have room.' : null,
    Object.keys(profile.rateClasses).length > 1 ? 'Each line is counted by itself.' : null,
    operationsByClass(subject),
    '## What every answer says',
    table(
      ['Header', 'What it is'],
      [
        [code(limit), 'how many requests the window takes'],
        [code(remaining), 'how many of them are left'],
        [code(reset), until],
        [code('Retry-After'), `on a ${code('429')} alone: how many seconds to wait`],
      ],
    ),
    hasSeveralWindows
      ? 'They tell of the longest window, or, when a request is refused, of the one that refused it.'
      : null,
    '## When it was too often',
    problemAnswer(subject, 'rate_limit_exceeded', {
      [limit]: String(narrowest),
      [remaining]: '0',
      [reset]: varies,
      'Retry-After': varies,
    }),
    list([
      'Wait for as long as `Retry-After` says. A request that comes earlier is refused again.',
      'Where several programs share a limit, add a random part to the wait, so that they do not all come back at once.',
      `Slow down before it comes to that: when ${code(remaining)} gets small, spread what is left over the time that is left.`,
      `Refused credentials are counted too, by the address that they come from: ${requests} in ${writeDuration(seconds)}. The headers of such an answer tell of that limit.`,
    ]),
  )
}

function countedFor({ per }: RateClass, hasTokens: boolean): string {
  if (per === 'credential') return hasTokens ? 'API key or access token' : 'API key'
  return `organization, with all of its keys${hasTokens ? ' and tokens' : ''}`
}

function narrowFirst(rateClass: RateClass | undefined): RateClass['windows'] {
  return [...(rateClass?.windows ?? [])].sort((a, b) => a.seconds - b.seconds)
}

/** null where all operations are of one class. */
function operationsByClass({ profile, contract }: Subject): string | null {
  const used = Object.entries(profile.rateClasses).flatMap(([name, { title }]) => {
    const operations = contract.operations.filter(({ rateClass }) => rateClass === name)
    return operations.length > 0 ? [{ title, operations }] : []
  })
  if (used.length < 2) return null
  return stack(
    '## Which operation is what',
    table(
      ['What', 'Operations'],
      used.map(({ title, operations }) => [
        text(title),
        operations.map((operation) => code(requestLine(operation))).join(', '),
      ]),
    ),
  )
}
