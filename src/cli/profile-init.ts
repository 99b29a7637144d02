// latchkey profile init: a vendor's own profile, from questions or from flags.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { usualDirectory } from '../core/config.ts'
import { MistakesError, sayMistake } from '../core/mistakes.ts'
import { appScopes, loadProfile, type Profile, readProfileFile } from '../core/profile.ts'
import { isDataDirectory } from '../db/embedded-place.ts'
import { StartupError } from '../lib/startup-error.ts'
import type { Answers } from '../profiles/answers.ts'
import { type CheckParts, checkProfile } from '../profiles/check-profile.ts'
import { type Base, type NewProfile, newProfile } from '../profiles/new-profile.ts'
import { collect } from './options.ts'
import {
  answersTo,
  askInTerminal,
  greet,
  Left,
  type Question,
  questionsFor,
  type StartingPoint,
  scopesIn,
  sentenceQuestions,
  type Typed,
  takeUsual,
} from './profile-questions.ts'
import { answer } from './session.ts'

export interface InitParts extends Pick<CheckParts, 'packaged' | 'handledIds'> {
  /** Of the packaged profiles. */
  readonly names: readonly string[]
}

interface InitOptions {
  readonly yes: boolean
  readonly force: boolean
  readonly sentence?: string[]
  readonly [flag: string]: unknown
}

/** What the empty starting point is made from: nothing of its scopes, resources or documents is kept. */
const plain = 'boothzen'

export function addProfileInit(profile: Command, parts: InitParts): void {
  const points = startingPoints(parts)
  const command = profile
    .command('init')
    .argument('[file]', 'the new .json file (default: the name of the profile)')
    .description('ask for what a profile says, and write one with its OpenAPI document and sample rows')
    .option('--yes', 'take what is usual for everything that no flag says', false)
    .option('--force', 'write over files that are there', false)
    .option(
      '--sentence <scope=English|French>',
      'what a scope lets an app do; may be given more than once',
      collect,
    )
  for (const { flag, ask, choices } of questionsFor(points, '')) {
    const values = choices?.({}).map(({ value }) => value)
    command.option(`--${flag} <${values ? 'choice' : 'text'}>`, values ? `${ask} ${values.join(', ')}` : ask)
  }
  command.action(async (file: string | undefined, options: InitOptions, it: Command) => {
    try {
      const written = await init(file, options, parts, points, it.optsWithGlobals()['json'] === true)
      const start = startLine(written.file)
      const lines = [
        'Written:',
        ...written.files.map((name) => `  ${fromHere(name)}`),
        '',
        'Start it:',
        `  ${start}`,
      ]
      const look = `Change what you like, and look at it with: npx latchkey profile check ${fromHere(written.file)}`
      answer(it, { ...written, start }, [...lines, '', look].join('\n'))
    } catch (thrown) {
      if (!(thrown instanceof Left)) throw thrown
      process.exitCode = 1
    }
  })
}

/** Another profile's data may be there already: keys that this one refuses, and a demo whose secrets were shown. */
function startLine(file: string): string {
  const { DATABASE_URL, DATA_DIR } = process.env
  const isTaken = !DATABASE_URL && !DATA_DIR && isDataDirectory(resolve(usualDirectory(file)))
  const own = isTaken ? `DATA_DIR=.latchkey-${basename(file, '.json')} ` : ''
  return `${own}PROFILE=${fromHere(file)} npm start`
}

const fromHere = (file: string) => {
  const path = relative(process.cwd(), file)
  return path.startsWith('..') ? file : `./${path}`
}

async function init(
  file: string | undefined,
  options: InitOptions,
  parts: InitParts,
  points: readonly StartingPoint[],
  isQuiet: boolean,
): Promise<{ readonly file: string; readonly files: readonly string[] }> {
  if (file !== undefined && !file.endsWith('.json'))
    throw new StartupError(`The file is "${file}", but must end with .json.`)
  if (file !== undefined) refuseToOverwrite(namesOf(file), options.force)
  const questions = questionsFor(points, file === undefined ? '' : basename(file, '.json'))
  const given = givenBy(options, questions)
  const isAsking = !options.yes && !isQuiet && process.stdin.isTTY && process.stdout.isTTY
  if (!options.yes && !isAsking) refuseToGuess(questions, given)
  if (isAsking) greet()
  const ask = isAsking ? askInTerminal : takeUsual
  const answers = await answersTo(questions, given, {}, ask)
  const base = baseOf(parts, answers)
  const scopes = scopesIn(answers['scopes'] ?? '')
  const usual = (scope: string, locale: 'en' | 'fr') =>
    base.profile.scopes[scope]?.sentence[locale] ?? usualSentence(scope, locale)
  const sentences = sentencesIn(options.sentence ?? [], scopes)
  // Of scopes that were kept the starting point has the sentences: nobody is asked for them.
  const askSentence = keepsScopes(base.profile, answers) ? takeUsual : ask
  const all = await answersTo(sentenceQuestions(scopes, usual), sentences, answers, askSentence)
  const target = resolve(file ?? `${all['name']}.json`)
  refuseToOverwrite(namesOf(target), options.force)
  return write(target, madeOf(all, base, parts, target), parts)
}

function namesOf(file: string) {
  const stem = resolve(file).slice(0, -'.json'.length)
  return { profile: `${stem}.json`, document: `${stem}.openapi.json`, rows: `${stem}.sample.json` }
}

function refuseToOverwrite(names: Readonly<Record<string, string>>, isForced: boolean): void {
  const there = Object.values(names).filter((name) => existsSync(name))
  if (there.length > 0 && !isForced)
    throw new StartupError(`There is already ${there.map(fromHere).join(', ')}. Write over it with --force.`)
}

/** Without a terminal nothing can be asked, and nothing is made up. */
function refuseToGuess(questions: readonly Question[], given: Typed): void {
  const missing = questions.filter(({ flag }) => given[flag] === undefined)
  if (missing.length === 0) return
  const width = Math.max(...missing.map(({ flag }) => flag.length))
  throw new StartupError(
    'There is no terminal to ask in. Take what is usual with --yes, or say all of it:\n' +
      missing.map(({ flag, ask }) => `  --${flag.padEnd(width)}  ${ask}`).join('\n'),
  )
}

/** Commander writes --base-path as basePath. */
function givenBy(options: InitOptions, questions: readonly Question[]): Typed {
  const nameOf = (flag: string) => flag.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())
  return Object.fromEntries(
    questions.flatMap(({ flag }) => {
      const value = options[nameOf(flag)]
      return typeof value === 'string' ? [[flag, value]] : []
    }),
  )
}

function sentencesIn(texts: readonly string[], scopes: readonly string[]): Typed {
  return Object.fromEntries(
    texts.flatMap((text) => {
      const [, scope, en, fr] = /^([^=]+)=([^|]+)\|(.+)$/.exec(text) ?? []
      if (scope === undefined || en === undefined || fr === undefined)
        throw new StartupError(
          `--sentence is "${text}", but must be like "read:things=See your things|Voir vos objets".`,
        )
      if (!scopes.includes(scope))
        throw new StartupError(`--sentence is of ${scope}, which is not among the scopes.`)
      return [
        [`${scope}.en`, en],
        [`${scope}.fr`, fr],
      ]
    }),
  )
}

/** Good enough to start with: people read it on the consent page, so a vendor writes his own. */
function usualSentence(scope: string, locale: 'en' | 'fr'): string {
  const [first = '', second = ''] = scope.split(':')
  const isReading = first === 'read' || second === 'read'
  const thing = (['read', 'write'].includes(second) ? first : second).replaceAll(/[_.-]/g, ' ')
  const isKnown = [first, second].some((word) => ['read', 'write'].includes(word))
  if (!isKnown) return locale === 'en' ? `${first} ${thing}` : `${first} ${thing}`
  if (locale === 'en') return isReading ? `See your ${thing}` : `Create and change ${thing}`
  return isReading ? `Voir vos ${thing}` : `Créer et modifier des ${thing}`
}

const scopesOf = (profile: Profile) => appScopes(profile).join(', ') || 'none'

const keepsScopes = (profile: Profile, { scopes = '' }: Typed) =>
  scopesIn(scopes).join() === appScopes(profile).join()

const emptyPoint = 'empty'

function startingPoints({ packaged, names }: InitParts): StartingPoint[] {
  const profiles = names.map((name) => loadProfile(name, packaged))
  const from = (profile: Profile): StartingPoint => ({
    name: profile.name,
    label: `As ${profile.brand.name}: ${profile.brand.summary}`,
    usual: {
      'base-path': profile.basePath,
      header: profile.credentials.header,
      modes: profile.modes.includes('test') ? 'live,test' : 'live',
      hosts: profile.hosts.organizations ? 'yes' : 'no',
      scopes: scopesOf(profile),
      oauth: profile.oauth.enabled ? 'yes' : 'no',
      registration: profile.oauth.dynamicRegistration.policy,
      rate: String(minuteOf(profile)),
      'rate-headers': profile.headers.rateLimit.limit.startsWith('X-') ? 'X-RateLimit' : 'RateLimit',
      envelope: profile.name,
      'envelope-looks': `As ${profile.brand.name}: ${JSON.stringify(profile.envelope.list)}`,
      pagination: profile.pagination.style,
      rotation: profile.keyRotationDays === null ? 'none' : String(profile.keyRotationDays),
    },
  })
  const packagedPoints = profiles.map(from)
  const { envelope = plain, ...usual } = packagedPoints.find(({ name }) => name === plain)?.usual ?? {}
  const empty = { hosts: 'no', scopes: 'read:things, write:things', registration: 'off' }
  // The envelope is chosen by a packaged profile's name: the empty point has none of its own to offer.
  const ofEmpty = { ...usual, ...empty, 'usual-envelope': envelope }
  return [
    { name: emptyPoint, label: 'An empty one, with a resource for each scope', usual: ofEmpty },
    ...packagedPoints,
  ]
}

function minuteOf({ rateClasses }: Profile): number {
  const [first] = Object.values(rateClasses)
  return first?.windows.find(({ seconds }) => seconds === 60)?.requests ?? 600
}

function baseOf({ packaged }: InitParts, { from }: Typed): Base {
  const profile = loadProfile(from === undefined || from === emptyPoint ? plain : from, packaged)
  const read = (path: string) => readProfileFile(profile, path) as Base['document'] // the packaged files are objects
  return { profile, document: read(profile.openapi), rows: read(profile.sample.rows) }
}

function madeOf(typed: Typed, base: Base, { packaged }: InitParts, file: string): NewProfile {
  const said = (flag: string) => typed[flag] ?? ''
  // The questions have checked what is a choice.
  const answers: Answers = {
    name: said('name'),
    brand: said('brand'),
    summary: said('summary'),
    accent: said('accent') === 'none' ? null : said('accent'),
    basePath: said('base-path'),
    header: said('header'),
    prefix: said('prefix'),
    hasTestMode: said('modes') !== 'live',
    hasHosts: said('hosts') === 'yes',
    hasOAuth: said('oauth') === 'yes',
    registration: said('registration') as Answers['registration'],
    requestsPerMinute: Number(said('rate')),
    rateHeaders: said('rate-headers') as Answers['rateHeaders'],
    pagination: said('pagination') as Answers['pagination'],
    scopes: scopesIn(said('scopes')).map((name) => ({
      name,
      en: said(`${name}.en`),
      fr: said(`${name}.fr`),
    })),
    rotationDays: said('rotation') === 'none' ? null : Number(said('rotation')),
  }
  const names = namesOf(file)
  const here = (name: string) => basename(name)
  const schema = relative(dirname(file), join(packaged, 'schema', 'profile.schema.json'))
  const looksAsBase =
    said('from') !== emptyPoint &&
    said('envelope') === base.profile.name &&
    answers.pagination === base.profile.pagination.style &&
    keepsScopes(base.profile, typed)
  const { envelope } = loadProfile(said('envelope'), packaged)
  const files = { schema, document: here(names.document), rows: here(names.rows) }
  return newProfile(answers, base, envelope, files, looksAsBase)
}

/** A new folder where the files will be. @throws StartupError where there can be none */
function folderBeside(file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true })
    return mkdtempSync(join(dirname(file), '.latchkey-profile-'))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StartupError(`Nothing can be written in ${dirname(file)}: ${why}`, { cause })
  }
}

/** All three files or none: made and checked beside where they go, then put in place. */
function write(file: string, made: NewProfile, { packaged, handledIds }: InitParts) {
  const names = namesOf(file)
  const aside = folderBeside(file)
  try {
    const put = (name: string, value: unknown) =>
      writeFileSync(join(aside, basename(name)), `${JSON.stringify(value, null, 2)}\n`)
    put(names.document, made.document)
    put(names.rows, made.rows)
    put(names.profile, made.profile)
    const publicUrl = 'https://api.example.com'
    const check = checkProfile(join(aside, basename(file)), { packaged, handledIds, publicUrl })
    if (check.mistakes.length > 0) {
      const mistakes = check.mistakes.map((it) => ({ at: '', say: `${it.file}: ${sayMistake(it)}` }))
      throw new MistakesError('These answers do not go together, so nothing was written:', mistakes)
    }
    for (const name of Object.values(names)) renameSync(join(aside, basename(name)), name)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  return { file, files: Object.values(names) }
}
