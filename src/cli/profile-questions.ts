// The questions of `latchkey profile init`: each has a flag too, and the same check stands before both.
import { cancel, intro, isCancel, select, text } from '@clack/prompts'
import { accentMistake } from '../core/accent.ts'
import { apiPathMistake, credentialHeaderMistake } from '../core/own-names.ts'
import { StartupError } from '../lib/startup-error.ts'
import { grammarOf } from '../profiles/new-profile.ts'

/** Answers as they are typed, by the name of the flag. */
export type Typed = Readonly<Record<string, string>>

export interface Choice {
  readonly value: string
  readonly label: string
}

export interface Question {
  /** --flag, and its name among the answers. */
  readonly flag: string
  readonly ask: string
  /** What --yes takes, and what a person finds written there already. */
  readonly usual: (known: Typed) => string
  readonly choices?: (known: Typed) => readonly Choice[]
  /** What is wrong with an answer; null for nothing. */
  readonly wrong?: (answer: string, known: Typed) => string | null
  readonly isAsked?: (known: Typed) => boolean
}

const yesOrNo: readonly Choice[] = [
  { value: 'yes', label: 'Yes' },
  { value: 'no', label: 'No' },
]

/** What a starting point answers by itself. */
export interface StartingPoint {
  readonly name: string
  readonly label: string
  readonly usual: Typed
}

const needed = (what: string) => (answer: string) => (answer.trim() === '' ? `Write ${what}.` : null)
const matching = (pattern: RegExp, say: string) => (answer: string) => (pattern.test(answer) ? null : say)

/** What comes after a path and a colon, as what is wrong with an answer. */
const asSentence = (mistake: string | null) => mistake && `It ${mistake}.`

/** The scopes of an answer, in its order. */
export const scopesIn = (answer: string): string[] =>
  answer.split(/[\s,]+/).filter((it) => it !== '' && it !== 'none')

/** @param points the starting points, the first of which is the usual one; @param fileName of the new profile */
export function questionsFor(points: readonly StartingPoint[], fileName: string): Question[] {
  const pointOf = ({ from }: Typed) => points.find(({ name }) => name === from)?.usual ?? {}
  const fromPoint = (flag: string) => (known: Typed) => pointOf(known)[flag] ?? ''
  const word = (known: Typed) => known['name'] ?? 'acme'
  return [
    {
      flag: 'name',
      ask: 'A short name for the profile',
      usual: () => (/^[a-z][a-z0-9-]*$/.test(fileName) ? fileName : 'acme'),
      wrong: matching(/^[a-z][a-z0-9-]*$/, 'Small letters, digits and hyphens, such as acme.'),
    },
    {
      flag: 'brand',
      ask: 'What is the product called on every page?',
      usual: (known) => word(known).slice(0, 1).toUpperCase() + word(known).slice(1),
      wrong: needed('the name of the product'),
    },
    {
      flag: 'summary',
      ask: 'What is it, in one sentence?',
      usual: (known) => `The API of ${known['brand'] ?? word(known)}.`,
      wrong: needed('one sentence'),
    },
    {
      flag: 'from',
      ask: 'Where to begin?',
      usual: () => points[0]?.name ?? '',
      choices: () => points.map(({ name, label }) => ({ value: name, label })),
    },
    {
      flag: 'accent',
      ask: 'The color of buttons and links on light pages, such as #1a4fd0 (none: ours)',
      usual: () => 'none',
      wrong: (answer) => {
        if (answer === 'none') return null
        if (!/^#[0-9a-f]{6}$/.test(answer)) return 'Write it as #1a4fd0, or none.'
        return asSentence(accentMistake('light', answer))
      },
    },
    {
      flag: 'base-path',
      ask: 'Under which path is the API?',
      usual: fromPoint('base-path'),
      wrong: (answer) =>
        matching(/^(\/[a-z0-9.-]+)+$/, 'Write a path such as /api/v1.')(answer) ??
        asSentence(apiPathMistake(answer)),
    },
    {
      flag: 'header',
      ask: 'In which header does a credential come? (Authorization: as a bearer)',
      usual: fromPoint('header'),
      wrong: (answer) =>
        matching(/^[A-Za-z][A-Za-z0-9-]*$/, 'Write the name of a header, such as x-api-key.')(answer) ??
        asSentence(credentialHeaderMistake(answer)),
    },
    {
      flag: 'prefix',
      ask: 'What do keys begin with? (acme: acme_live_…)',
      usual: (known) => word(known).replaceAll('-', '').slice(0, 8),
      wrong: matching(/^[a-z][a-z0-9]{0,13}$/, 'At most 14 small letters and digits, a letter first.'),
    },
    {
      flag: 'modes',
      ask: 'Is there a sandbox beside live data?',
      usual: fromPoint('modes'),
      choices: () => [
        { value: 'live,test', label: 'Yes: live and test' },
        { value: 'live', label: 'No: live alone' },
      ],
    },
    {
      flag: 'hosts',
      ask: 'Does each organization have a host of its own ({slug}.example.com)?',
      usual: fromPoint('hosts'),
      choices: () => yesOrNo,
    },
    {
      flag: 'scopes',
      ask: 'Which scopes are there? With commas between them (none: a key holds its whole organization)',
      usual: fromPoint('scopes'),
      wrong: (answer) => {
        if (answer.trim() === '') return 'Write scopes such as read:things, or none.'
        const scopes = scopesIn(answer)
        const bad = scopes.find((it) => !/^[a-z][a-z0-9_.-]*:[a-z][a-z0-9_.-]*$/.test(it))
        if (bad !== undefined) return `"${bad}" is not two words with a colon, such as read:things.`
        return misplacedVerb(scopes)
      },
    },
    {
      flag: 'oauth',
      ask: 'Are there OAuth apps, which other people install?',
      usual: (known) =>
        scopesIn(known['scopes'] ?? '').length === 0 ? 'no' : (pointOf(known)['oauth'] ?? 'yes'),
      choices: () => yesOrNo,
      wrong: (answer, known) =>
        answer === 'yes' && scopesIn(known['scopes'] ?? '').length === 0
          ? 'OAuth apps need scopes to ask for, and there are none.'
          : null,
      isAsked: (known) => scopesIn(known['scopes'] ?? '').length > 0,
    },
    {
      flag: 'registration',
      ask: 'May apps register by themselves (RFC 7591)?',
      usual: (known) => (known['oauth'] === 'yes' ? (pointOf(known)['registration'] ?? 'off') : 'off'),
      choices: () => [
        { value: 'off', label: 'No' },
        { value: 'token', label: 'With a token that you give out' },
        { value: 'open', label: 'Yes, anybody' },
      ],
      isAsked: (known) => known['oauth'] === 'yes',
    },
    {
      flag: 'rate',
      ask: 'How many requests a minute may a credential make?',
      usual: fromPoint('rate'),
      wrong: matching(/^[1-9]\d{0,6}$/, 'Write a whole number, such as 600.'),
    },
    {
      flag: 'rate-headers',
      ask: 'Which headers tell of the limits?',
      usual: fromPoint('rate-headers'),
      choices: () => [
        { value: 'RateLimit', label: 'RateLimit-… (the reset is how many seconds are left)' },
        { value: 'X-RateLimit', label: 'X-RateLimit-… (the reset is a time in Unix seconds)' },
      ],
    },
    {
      flag: 'envelope',
      ask: 'How do answers look?',
      usual: (known) => pointOf(known)['envelope'] ?? pointOf(known)['usual-envelope'] ?? '',
      choices: () => points.flatMap(({ usual }) => choiceOf(usual)),
    },
    {
      flag: 'pagination',
      ask: 'How are lists paged?',
      usual: fromPoint('pagination'),
      choices: () => [
        { value: 'cursor', label: '?cursor=, with the next one in the answer' },
        { value: 'link', label: '?cursor=, with the next address in the header Link' },
        { value: 'page', label: '?page=, with numbers' },
      ],
    },
    {
      flag: 'rotation',
      ask: 'After how many days should keys be rotated? (none: nothing is said of it)',
      usual: fromPoint('rotation'),
      wrong: matching(/^([1-9]\d{0,3}|none)$/, 'Write a number of days, or none.'),
    },
  ]
}

/** The same rule as the profile's: found here, while the answer can still be another one. */
function misplacedVerb(scopes: readonly string[]): string | null {
  const isVerbLast = grammarOf(scopes.map((name) => ({ name }))) === 'resource:verb'
  const odd = isVerbLast ? scopes.find((it) => /^(read|write):/.test(it)) : undefined
  return odd === undefined
    ? null
    : `"${odd}" has its verb first, and others have it last: write all in one way, such as things:read.`
}

/** Each envelope once, under the profile that has it. */
const choiceOf = (usual: Typed): Choice[] =>
  usual['envelope'] === undefined ? [] : [{ value: usual['envelope'], label: usual['envelope-looks'] ?? '' }]

/** What a person reads of each scope: asked after the rest. */
export function sentenceQuestions(
  scopes: readonly string[],
  usual: (scope: string, locale: 'en' | 'fr') => string,
) {
  return scopes.flatMap((scope): Question[] => [
    {
      flag: `${scope}.en`,
      ask: `${scope} lets an app … in English`,
      usual: () => usual(scope, 'en'),
      wrong: needed('what it lets an app do, such as: See your things'),
    },
    {
      flag: `${scope}.fr`,
      ask: `${scope} lets an app … in French`,
      usual: () => usual(scope, 'fr'),
      wrong: needed('the same in French'),
    },
  ])
}

/** Thrown when somebody leaves in the middle; nothing has been written. */
export class Left extends Error {}

/** How answers that flags do not give are come by. */
export type Ask = (question: Question, known: Typed) => Promise<string>

/**
 * Goes through the questions in order; `given` are the flags.
 * @throws StartupError for a flag with a bad value; Left
 */
export async function answersTo(
  questions: readonly Question[],
  given: Typed,
  known: Typed,
  ask: Ask,
): Promise<Typed> {
  let answers = known
  for (const question of questions) {
    const { flag, isAsked = () => true } = question
    const flagged = given[flag]
    if (flagged !== undefined) {
      const wrong = mistakeIn(question, flagged, answers)
      if (wrong !== null) throw new StartupError(`--${flag} is "${flagged}". ${wrong}`)
    }
    const answer = flagged ?? (isAsked(answers) ? await ask(question, answers) : question.usual(answers))
    answers = { ...answers, [flag]: answer.trim() }
  }
  return answers
}

function mistakeIn({ choices, wrong }: Question, answer: string, known: Typed): string | null {
  const offered = choices?.(known).map(({ value }) => value)
  if (offered && !offered.includes(answer)) return `It must be one of: ${offered.join(', ')}.`
  return wrong?.(answer.trim(), known) ?? null
}

/** Takes what is usual. */
export const takeUsual: Ask = async ({ usual }, known) => usual(known)

/** Asks in the terminal. */
export const askInTerminal: Ask = async (question, known) => {
  const { ask, choices, usual } = question
  const answer = choices
    ? await select({ message: ask, options: [...choices(known)], initialValue: usual(known) })
    : await text({
        message: ask,
        initialValue: usual(known),
        validate: (typed) => mistakeIn(question, typed ?? '', known) ?? undefined,
      })
  if (!isCancel(answer)) return answer
  cancel('Nothing was written.')
  throw new Left()
}

export const greet = () => intro('A new profile')
