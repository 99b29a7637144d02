// latchkey profile: the file that says how a vendor's API looks.
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { handlersOf } from '../app.ts'
import { openConfiguredDatabase } from '../base.ts'
import { loadConfig } from '../core/config.ts'
import type { HandledIds } from '../core/contract-mistakes.ts'
import { sayMistake } from '../core/mistakes.ts'
import { loadProfile, type Profile } from '../core/profile.ts'
import { profileJsonSchema } from '../core/profile-schema.ts'
import { createFormat } from '../credentials/format.ts'
import { openDatabase } from '../db/connect.ts'
import { isDataDirectory } from '../db/embedded-place.ts'
import { packageRoot } from '../lib/package-root.ts'
import { StartupError } from '../lib/startup-error.ts'
import { systemClock } from '../lib/time.ts'
import { checkProfile, type FileMistake, type ProfileCheck } from '../profiles/check-profile.ts'
import { exactly, type Impact, impactOf } from '../profiles/impact.ts'
import { addProfileInit } from './profile-init.ts'
import { answer, table } from './session.ts'

const packaged = join(packageRoot, 'profiles')

interface CheckOptions {
  readonly database: boolean
  readonly strict: boolean
}

export function profileCommands(program: Command): void {
  const profile = program
    .command('profile')
    .description("profiles: the file that makes this a vendor's own API")

  profile
    .command('check')
    .argument('[file]', 'a .json file, or the name of a packaged profile (default: PROFILE)')
    .description('name every mistake of a profile by its path, and what it would break in the database')
    .option('--no-database', 'leave out what it would break in the database')
    .option('--strict', 'exit with 1 too where it would break something, or that could not be asked', false)
    .action(async (file: string | undefined, options: CheckOptions, command: Command) => {
      const config = loadConfig(file === undefined ? process.env : { ...process.env, PROFILE: file })
      const check = checkProfile(config.profile, { packaged, publicUrl: config.publicUrl, handledIds })
      const impacts = check.profile && options.database ? await askDatabase(config, check.profile) : []
      answer(command, checkAsJson(check, impacts), checkLines(check, impacts).join('\n'))
      // Whoever is strict wants to know that nothing breaks; what could not be asked does not tell that.
      if (check.mistakes.length > 0 || (options.strict && impacts.length > 0)) process.exitCode = 1
    })

  profile
    .command('list')
    .description('list the packaged profiles')
    .action((_options: object, command: Command) => {
      const found = packagedProfiles().map((name) => loadProfile(name, packaged))
      const rows = found.map(({ name, brand }) => [name, brand.name, brand.summary])
      const value = found.map(({ name, brand }) => ({ name, brand: brand.name, summary: brand.summary }))
      answer(command, value, table([['NAME', 'BRAND', 'SUMMARY'], ...rows], 'There are no profiles.'))
    })

  profile
    .command('schema')
    .description('print the JSON Schema of profiles, for editors')
    .action(() => console.log(JSON.stringify(profileJsonSchema(), null, 2)))

  addProfileInit(profile, { packaged, names: packagedProfiles(), handledIds })
}

function packagedProfiles(): string[] {
  return readdirSync(packaged)
    .filter((name) => name.endsWith('.json'))
    .map((name) => basename(name, '.json'))
    .sort()
}

/** What a server would handle; no database is asked to learn it. */
function handledIds(profile: Profile): HandledIds {
  const nowhere = { kind: 'socket', host: '/nowhere', port: 5432, user: 'nobody', database: 'none' } as const
  return handlersOf({
    profile,
    database: openDatabase(nowhere),
    format: createFormat(profile.credentials.prefixes),
    clock: systemClock,
    inviteByMail: () => {},
  })
}

/** A configured database, or the embedded one that is there already: none is made to be asked. */
async function askDatabase(config: ReturnType<typeof loadConfig>, profile: Profile): Promise<Impact[]> {
  if (config.database.kind === 'embedded' && !isDataDirectory(config.dataDirectory)) return []
  try {
    const opened = await openConfiguredDatabase(config, 'borrower')
    try {
      return await impactOf(opened.database.knex, profile, config.publicUrl, exactly)
    } finally {
      await opened.close()
    }
  } catch (thrown) {
    if (!(thrown instanceof StartupError)) throw thrown
    const say = `What it would break was not checked. ${thrown.message}`
    return [{ kind: 'not_checked', say, value: '', holders: 0, organizations: 0 }]
  }
}

const checkAsJson = ({ file, mistakes, warnings }: ProfileCheck, impacts: readonly Impact[]) => ({
  file,
  ok: mistakes.length === 0,
  mistakes: mistakes.map(asJson),
  warnings: warnings.map(asJson),
  would_break: impacts,
})

const asJson = ({ file, at, say }: FileMistake) => ({ file, path: at, message: say })

function checkLines(check: ProfileCheck, impacts: readonly Impact[]): string[] {
  const { file, mistakes, warnings, profile } = check
  const own = basename(file)
  const line = (it: FileMistake) => `  ${it.file === own ? '' : `${it.file}: `}${sayMistake(it)}`
  const section = (heading: string, lines: readonly string[]) =>
    lines.length > 0 ? [heading, ...lines, ''] : []
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`
  const more = profile ? '' : ['The files that it names are checked once it has none.', '']
  const lines = [
    ...section(`${file} has ${count}:`, mistakes.map(line)),
    ...(mistakes.length > 0 ? more : []),
    ...section('Strange, but no mistake:', warnings.map(line)),
    ...section(
      'It would break in the database:',
      impacts.filter(({ kind }) => kind !== 'not_checked').map(({ say }) => `  ${say}`),
    ),
    ...impacts.filter(({ kind }) => kind === 'not_checked').map(({ say }) => say),
  ]
  if (mistakes.length === 0) lines.push(`${file} is a good profile.`)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}
