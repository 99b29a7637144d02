// latchkey import: what a vendor has made elsewhere.
import { createHash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  fstatSync,
  openSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { stat } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { type Command, Option } from 'commander'
import type { BadLineReport, ImportOutcome } from '../keys/import-batch.ts'
import { importKeys } from '../keys/import-keys.ts'
import { type ImportFormat, importFormats, readSource } from '../keys/import-source.ts'
import { type Digest, readDigest } from '../lib/digest.ts'
import { StartupError } from '../lib/startup-error.ts'
import { secondMs, systemClock } from '../lib/time.ts'
import { organizationOf } from './options.ts'
import { count, createProgress, type Progress } from './progress.ts'
import { answer, by, withDatabase } from './session.ts'

interface ImportOptions {
  readonly format?: ImportFormat
  readonly org?: string
  readonly createOrganizations?: true
  readonly dryRun?: true
  readonly errors?: string
}

const endings: Readonly<Record<string, ImportFormat>> = { csv: 'csv', ndjson: 'ndjson', jsonl: 'ndjson' }
const pieceBytes = 262_144
/** With a file for all of them, standard error need not hold more. */
const mostShownBesideFile = 20

const help = `
FILE holds one key per line: JSON objects, or CSV whose first line names the fields; "-" is standard input.
  secret               the secret itself: it is read once, hashed, and kept nowhere; or instead of it
  hash                 its SHA-256, in hexadecimal or base64, with (where known) its prefix, length and last_four
  scopes               what the key may do: a list, or a text with spaces in between
  organization         an id or a slug (default: --org)
  mode                 live or test (default: live)
  name, created_at, expires_at, deactivated, revoked

Interrupted, the same command goes on where it was. Delete a file of secrets when it is done.
`

export function importCommands(program: Command): void {
  program
    .command('import')
    .description('take in what was made elsewhere')
    .command('keys')
    .argument('<file>', 'the keys, one per line; - for standard input')
    .description('import API keys by their secrets or hashes; exit code 1 if a line could not be imported')
    .addOption(new Option('--format <format>', 'default: as the file ends').choices(importFormats))
    .option('--org <id or slug>', 'whose keys those are whose lines do not say so')
    .option('--create-organizations', 'make organizations for slugs that there are not')
    .option('--dry-run', 'check every line, and write nothing')
    .option('--errors <file>', 'where to write the bad lines too, as {"line", "reason"} per line')
    .addHelpText('after', help)
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const isJson = command.optsWithGlobals()['json'] === true
      const format = options.format ?? endings[/\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? '']
      if (!format) {
        command.error('error: say by --format whether it is ndjson or csv', { exitCode: 2 })
      } else {
        const began = performance.now()
        const outcome = await run(file, format, options, isJson)
        if (outcome) tellOutcome(command, outcome, options, (performance.now() - began) / secondMs)
      }
    })
}

/** null for one that was interrupted, which has been told. */
async function run(
  file: string,
  format: ImportFormat,
  options: ImportOptions,
  isJson: boolean,
): Promise<ImportOutcome | null> {
  const facts = await factsOf(file)
  if (options.errors !== undefined && isSameFile(file, options.errors))
    throw new StartupError('--errors names the file of the keys itself. Choose another file.')
  const isDryRun = options.dryRun === true
  const progress = createProgress(isDryRun ? 'Checking' : 'Importing', isJson, 'lines')
  const report = createReport(options.errors ?? null, progress)
  const interruption = catchInterruption()
  let done = 0
  try {
    return await withDatabase(async ({ opened: { database }, profile, format: secrets }) => {
      const db = database.knex
      const organization = options.org === undefined ? null : (await organizationOf(db, options.org)).id
      return await importKeys(
        { db, profile, format: secrets, now: systemClock(), by },
        {
          lines: readSource(open(file, interruption.signal), format),
          file: facts?.digest ?? null,
          organization,
          createsOrganizations: options.createOrganizations === true,
          isDryRun,
          onStart: (resumedAfter) => {
            done = resumedAfter
            report.start(resumedAfter)
          },
          onBadLine: report.tell,
          onHashLikeSecret: report.doubt,
          onProgress: (lines) => {
            done = lines
            progress.tell(done, facts && Math.max(done, facts.lines))
          },
        },
      )
    })
  } catch (thrown) {
    const exitCode = interruption.exitCode()
    if (exitCode === null || !isAbort(thrown)) throw thrown
    progress.end()
    const isRemembered = facts !== null && !isDryRun
    const next = isRemembered ? ' The same command goes on there.' : ''
    console.error(`Interrupted after ${linesOf(done)}.${next}`)
    process.exitCode = exitCode
    return null
  } finally {
    interruption.release()
    progress.end()
    report.end()
  }
}

/** By convention 128 and the number of the signal. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const
const interruptions = ['SIGINT', 'SIGTERM'] as const

/** The first Ctrl-C ends the reading: what is being written is waited for. The second one ends everything. */
function catchInterruption() {
  const controller = new AbortController()
  let exitCode: number | null = null
  const interrupt = (signal: keyof typeof exitCodes) => {
    release()
    exitCode = exitCodes[signal]
    controller.abort()
  }
  const release = () => {
    for (const signal of interruptions) process.off(signal, interrupt)
  }
  for (const signal of interruptions) process.on(signal, interrupt)
  return { signal: controller.signal, exitCode: () => exitCode, release }
}

const isAbort = (thrown: unknown) => thrown instanceof Error && thrown.name === 'AbortError'

function open(file: string, signal: AbortSignal): AsyncIterable<string> {
  const stream =
    file === '-'
      ? process.stdin.setEncoding('utf8')
      : createReadStream(file, { encoding: 'utf8', highWaterMark: pieceBytes })
  return addAbortSignal(signal, stream)
}

/** What is written would be gone before it is read. */
function isSameFile(file: string, errors: string): boolean {
  const at = statSync(errors, { throwIfNoEntry: false })
  if (!at?.isFile()) return false
  const read: Stats = file === '-' ? fstatSync(process.stdin.fd) : statSync(file)
  return read.dev === at.dev && read.ino === at.ino
}

interface FileFacts {
  readonly digest: Digest
  /** Line ends: about as many as there are keys. */
  readonly lines: number
}

/** null for what can be read once alone. @throws StartupError for what can't be read at all */
async function factsOf(file: string): Promise<FileFacts | null> {
  if (file === '-') return null
  try {
    const facts = await stat(file)
    if (facts.isDirectory()) throw new Error('a folder')
    if (!facts.isFile()) return null
    const hash = createHash('sha256')
    let lines = 0
    for await (const piece of createReadStream(file, { highWaterMark: pieceBytes })) {
      hash.update(piece)
      for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) lines += 1
    }
    const digest = readDigest(hash.digest('hex'))
    return digest && { digest, lines }
  } catch (cause) {
    throw new StartupError(`${file} can't be read. Name a file that is there, or - for standard input.`, {
      cause,
    })
  }
}

/** Where bad lines are told. */
function createReport(errors: string | null, progress: Progress) {
  let handle: number | null = null
  let told = 0
  const write = (to: number, bad: BadLineReport) => {
    try {
      writeFileSync(to, `${JSON.stringify(bad)}\n`)
    } catch (cause) {
      const say = `${errors} can not be written any more. Make room, or choose another file: the same command goes on.`
      throw new StartupError(say, { cause })
    }
  }
  return {
    /** A file that an interrupted run began is gone on with. */
    start: (resumedAfter: number) => {
      if (resumedAfter > 0) console.error(`Going on after ${linesOf(resumedAfter)} that are done.`)
      if (errors === null) return
      try {
        handle = openSync(errors, resumedAfter > 0 ? 'a' : 'w', 0o600)
      } catch (cause) {
        throw new StartupError(`${errors} can not be written. Choose another file.`, { cause })
      }
    },
    tell: ({ line, reason }: BadLineReport) => {
      told += 1
      if (handle !== null) write(handle, { line, reason })
      if (handle !== null && told > mostShownBesideFile) return
      progress.end()
      console.error(`Line ${line}: ${reason}`)
      if (handle !== null && told === mostShownBesideFile) console.error(`Further bad lines: see ${errors}.`)
    },
    doubt: (line: number) => {
      progress.end()
      const say = 'the secret looks like a SHA-256. If it is one, stop here: its field is hash.'
      console.error(`Line ${line}: ${say} As a secret, whoever has the hashes could use them.`)
    },
    end: () => {
      if (handle !== null) closeSync(handle)
    },
  }
}

function tellOutcome(
  command: Command,
  { lines, imported, already, bad, organizationsCreated, resumedAfter }: ImportOutcome,
  { dryRun = false }: { readonly dryRun?: boolean },
  seconds: number,
): void {
  const perSecond = Math.round((lines - resumedAfter) / seconds)
  const value = {
    dry_run: dryRun,
    lines,
    imported,
    already,
    bad,
    organizations_created: organizationsCreated,
    resumed_after: resumedAfter,
    seconds,
    keys_per_second: perSecond,
  }
  const numbers = [
    linesOf(lines),
    `${count(imported)} ${dryRun ? 'would be imported' : 'imported'}`,
    `${count(already)} were there already`,
    `${count(bad)} bad`,
  ]
  const organizations =
    organizationsCreated > 0
      ? ` ${count(organizationsCreated)} organizations ${dryRun ? 'would be' : 'were'} created.`
      : ''
  const speed = `${seconds.toFixed(1)} s, ${count(perSecond)} keys a second`
  answer(command, value, `${numbers.join(', ')} (${speed}).${organizations}`)
  if (bad > 0)
    throw new StartupError(
      `${linesOf(bad)} could not be imported. Mend what is bad, and import the file again.`,
    )
}

const linesOf = (lines: number) => `${count(lines)} ${lines === 1 ? 'line' : 'lines'}`
