// Why an app's access ended, in the words of people, and what to do about it.
import type { Names } from '../audit/names-store.ts'
import type { LedgerEvent } from '../audit/read-store.ts'
import { fromNow, onDay } from './words.ts'

export interface Cause {
  readonly title: string
  readonly say: string
  /** `danger` where somebody may be after the account; `notice` where something does not work as it should. */
  readonly tone: 'plain' | 'notice' | 'danger'
}

const again = 'To get access again, the app has to ask, and somebody has to allow it.'

const causes: Readonly<Record<string, Cause>> = {
  lost_response: {
    title: 'The app missed an answer',
    say: `It asked for new tokens, and most likely never got the answer: it came back with the old ones after the time that is left for a second try, and nobody has used the new ones. ${again} If this happens often, its makers can allow more time for a second try.`,
    tone: 'notice',
  },
  race: {
    title: 'The app asked twice at once',
    say: `Two parts of it asked for new tokens with the same old ones, one of them too late. Nobody else used them. ${again} If this happens often, tell its makers: one part should ask for all of them.`,
    tone: 'notice',
  },
  stale_client: {
    title: 'An old copy of the app came back',
    say: `From where the app runs came tokens that had been replaced since, as from a program that is put back from a backup, or that runs twice. ${again} If nobody restored anything, find out where the second copy runs.`,
    tone: 'notice',
  },
  reuse: {
    title: 'Its tokens were used from two places',
    say: `Tokens that the app had used already came again, from somewhere else. They may have been copied, so we ended this access for both at once. Ask whoever allowed it whether the app was moved to another computer or network. If not, somebody may have taken the tokens from where the app runs: look for changes that nobody of yours made, make that computer safe, and only then allow the app again.`,
    tone: 'danger',
  },
  code_replayed: {
    title: 'A sign-in code was used twice',
    say: `The code that an app gets when somebody allows it works once, and it came a second time. Somebody may have read it on its way, so we ended what it had opened. Allow the app again; if this comes back, do not use it and tell its makers.`,
    tone: 'danger',
  },
  challenge_reused: {
    title: 'The app asked with what it had used before',
    say: 'Each time somebody allows an app it has to prove itself anew (PKCE), and it did so with an old proof. It was given nothing. Its makers read why in its error log.',
    tone: 'notice',
  },
  allowed_again: {
    title: 'The same request was allowed again',
    say: 'The app had not come for what the first time opened: the second took its place.',
    tone: 'plain',
  },
  revoked_by_client: {
    title: 'The app gave it back',
    say: 'It said that it needs the access no more, as apps do when somebody signs out of them or uninstalls them.',
    tone: 'plain',
  },
  revoked_by_person: {
    title: 'Removed by whoever had allowed it',
    say: 'Its tokens were refused from that moment on.',
    tone: 'plain',
  },
  revoked_by_operator: {
    title: 'Removed by an administrator',
    say: 'Its tokens were refused from that moment on.',
    tone: 'plain',
  },
  member_removed: {
    title: 'Whoever had allowed it left the account',
    say: 'What a person allows apps to do ends when they are no member any more. Another administrator can allow the app again.',
    tone: 'plain',
  },
  member_demoted: {
    title: 'Whoever had allowed it is no administrator any more',
    say: 'Only administrators may let an app act for the account. Another administrator can allow the app again.',
    tone: 'plain',
  },
  person_disabled: {
    title: 'Whoever had allowed it was disabled',
    say: 'With a person everything ends that they allowed apps to do. Another administrator can allow the app again.',
    tone: 'plain',
  },
  app_narrowed: {
    title: 'The app gave up what it was allowed',
    say: `Its makers changed what it may ask for, and nothing was left of this access. ${again}`,
    tone: 'plain',
  },
  changed: {
    title: 'The app changed what people know it by',
    say: 'A new name, homepage, logo or address has to be verified anew.',
    tone: 'plain',
  },
  app_deleted: {
    title: 'The app was deleted',
    say: 'Its makers or the operator of this service removed it for everybody.',
    tone: 'plain',
  },
}

/** What earlier versions of the ledger say for `reuse`. */
const earlierWords: Readonly<Record<string, string>> = { refresh_token_reused: 'reuse' }

const byCommandLine: Cause = {
  title: 'Removed by the operator of this service',
  say: 'Its tokens were refused from that moment on. Ask them why.',
  tone: 'plain',
}
const untold: Cause = { title: 'Ended', say: 'The audit log says more about it.', tone: 'plain' }

type Told = Pick<LedgerEvent, 'action' | 'actorKind' | 'details'>

/** null for one that has no words here. */
export function causeInWords({ action, actorKind, details }: Told): Cause | null {
  if (action === 'app.deleted') return causes['app_deleted'] ?? null
  const told = String(details['cause'] ?? '')
  const name = Object.hasOwn(earlierWords, told) ? (earlierWords[told] ?? told) : told
  if (name === 'revoked_by_operator' && actorKind === 'command_line') return byCommandLine
  return (Object.hasOwn(causes, name) ? causes[name] : undefined) ?? null
}

/** @param names of apps, people and accounts, as far as they are known here */
function describeEnded(event: LedgerEvent, installs: number, names: Names, now: Date) {
  const nameOf = (id: unknown) => (typeof id === 'string' ? (names.get(id) ?? null) : null)
  const at = new Date(event.at)
  return {
    grant: event.target,
    installs,
    // Of one that is gone, its last entry remembers the name.
    app: nameOf(event.details['client']) ?? textOf(event.details['name']),
    isOfEverybody: event.action === 'app.deleted',
    person: nameOf(event.details['person']),
    account: nameOf(event.organization),
    cause: causeInWords(event) ?? untold,
    at,
    day: onDay(at),
    fromNow: fromNow(at, now),
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** Installs of one app that ended by one deed are told as one. */
export function describeAllEnded(events: readonly LedgerEvent[], names: Names, now: Date) {
  const isSame = (one: LedgerEvent | undefined, other: LedgerEvent) =>
    one?.requestId != null &&
    one.requestId === other.requestId &&
    one.organization === other.organization &&
    ['client', 'person', 'cause'].every((name) => one.details[name] === other.details[name])
  const groups: LedgerEvent[][] = []
  for (const event of events) {
    const group = groups.at(-1)
    if (group && isSame(group[0], event)) group.push(event)
    else groups.push([event])
  }
  return groups.flatMap(([first, ...others]) =>
    first ? [describeEnded(first, others.length + 1, names, now)] : [],
  )
}
