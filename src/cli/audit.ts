// latchkey audit: the ledger, verified and exported.
import { open, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ExportFormat, exportEvents, exportFormats } from '../audit/export.ts'
import type { Fault } from '../audit/fault.ts'
import { countEvents, type EventFilter, listEvents } from '../audit/read-store.ts'
import { sealPending } from '../audit/seal.ts'
import { type Verification, verifyLedger } from '../audit/verify.ts'
import type { Db } from '../db/connect.ts'
import { StartupError } from '../lib/startup-error.ts'
import { daySeconds, secondMs } from '../lib/time.ts'
import { organizationOf } from './options.ts'
import { count, createProgress } from './progress.ts'
import { answer, table, withDatabase } from './session.ts'

interface VerifyOptions {
  readonly org?: string
  readonly expectHead?: string
}

interface ExportOptions {
  readonly format: ExportFormat
  readonly org?: string
  readonly from?: Date
  readonly to?: Date
  readonly output?: string
}

export function auditCommands(program: Command): void {
  const audit = program.command('audit').description('the ledger of everything that was done')

  audit
    .command('verify')
    .description('prove that no row of the ledger was changed, removed or reordered; exit code 1 if one was')
    .option('--org <id or slug>', 'the chain of one organization')
    .option(
      '--expect-head <hash>',
      'with --org: a head printed earlier and kept elsewhere; proves that nothing was cut off since',
      readHash,
    )
    .action(async (options: VerifyOptions, command: Command) => {
      if (options.expectHead !== undefined && options.org === undefined)
        command.error('error: --expect-head needs --org: a head belongs to one chain', { exitCode: 2 })
      const isJson = command.optsWithGlobals()['json'] === true
      const { sealed, seconds, ...found } = await withDatabase(({ opened: { database } }) =>
        verify(database.knex, options, isJson),
      )
      const rowsPerSecond = Math.round(found.rows / seconds)
      const value = {
        whole: found.faults.length === 0,
        faults: found.faults.map(showFault),
        rows: found.rows,
        organizations: found.chains.length,
        pending: found.pending,
        sealed_first: sealed,
        heads: found.chains.map(({ organization, rows, head }) => ({
          organization_id: organization,
          rows,
          head,
        })),
        seconds,
        rows_per_second: rowsPerSecond,
      }
      const before = sealed > 0 ? `Sealed ${count(sealed)} pending events first.\n` : ''
      if (found.faults.length > 0) {
        if (isJson) answer(command, value, '')
        throw new StartupError(before + found.faults.map(tellFault).join('\n'))
      }
      const speed = `${seconds.toFixed(1)} s, ${count(rowsPerSecond)} rows a second`
      const text = `The ledger is whole: ${count(found.rows)} rows, ${count(found.chains.length)} chains, ${count(found.pending)} pending (${speed}).`
      answer(command, value, `${before}${text}\n\n${headsTable(found)}`)
    })

  audit
    .command('export')
    .description('write the ledger, newest first, as CSV or as a JSON object per line')
    .addOption(new Option('--format <format>', 'csv or ndjson').choices(exportFormats).makeOptionMandatory())
    .option('--org <id or slug>', 'of one organization')
    .option('--from <date>', 'from this day or time on, as 2026-11-26 or 2026-11-26T14:00:00Z', readFrom)
    .option('--to <date>', 'until the end of this day, or until this time', readTo)
    .option('--output <file>', 'where to write; it must not exist yet (default: standard output)')
    .action(async (options: ExportOptions, command: Command) => {
      const isJson = command.optsWithGlobals()['json'] === true
      const rows = await withDatabase(({ opened: { database } }) =>
        writeExport(database.knex, options, isJson),
      )
      // Without a file the export itself is what standard output is for.
      if (options.output !== undefined)
        answer(command, { rows, output: options.output }, `Wrote ${count(rows)} rows to ${options.output}.`)
    })
}

async function verify(
  db: Db,
  { org, expectHead }: VerifyOptions,
  isQuiet: boolean,
): Promise<Verification & { readonly sealed: number; readonly seconds: number }> {
  const organization = org === undefined ? {} : { organization: (await organizationOf(db, org)).id }
  const sealed = await sealPending(db)
  const progress = createProgress('Verifying', isQuiet)
  const began = performance.now()
  try {
    const found = await verifyLedger(db, {
      ...organization,
      ...(expectHead === undefined ? {} : { expectHead }),
      onProgress: progress.tell,
    })
    return { ...found, sealed, seconds: (performance.now() - began) / secondMs }
  } finally {
    progress.end()
  }
}

async function writeExport(
  db: Db,
  { format, org, from, to, output }: ExportOptions,
  isQuiet: boolean,
): Promise<number> {
  const filter: EventFilter = {
    ...(org === undefined ? {} : { organization: (await organizationOf(db, org)).id }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { until: to }),
  }
  const destination = output === undefined ? null : await createFile(output)
  const total = await countEvents(db, filter)
  const progress = createProgress('Exporting', isQuiet)
  let rows = 0
  const text = exportEvents(
    format,
    (after, limit) => listEvents(db, filter, after, limit),
    (done) => {
      rows = done
      progress.tell(done, total)
    },
  )
  try {
    await pipeline(text, destination ?? process.stdout, { end: destination !== null })
  } catch (cause) {
    // Half a file is none.
    if (output !== undefined) await rm(output, { force: true })
    // Whoever reads has had enough, as `head` has: nothing is wrong.
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EPIPE')) throw cause
  } finally {
    progress.end()
  }
  return rows
}

/** @throws StartupError when it is there already, or can't be written */
async function createFile(path: string) {
  try {
    return (await open(path, 'wx', 0o600)).createWriteStream()
  } catch (cause) {
    const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
    const why = isThere ? 'is there already' : 'can not be written'
    throw new StartupError(`${path} ${why}. Choose another file.`, { cause })
  }
}

const showFault = ({ kind, organization, sequence, event, say }: Fault) => ({
  kind,
  organization_id: organization,
  sequence,
  event_id: event,
  message: say,
})

function tellFault({ organization, sequence, event, say }: Fault): string {
  const where = [
    organization === null ? 'No organization' : `Organization ${organization}`,
    ...(sequence === null ? [] : [`row ${sequence}`]),
    ...(event === null ? [] : [`event ${event}`]),
  ]
  return `${where.join(', ')}: ${say}.`
}

function headsTable({ chains }: Verification): string {
  const rows = chains.map(({ organization, rows, head }) => [organization ?? '(none)', String(rows), head])
  return table([['ORGANIZATION', 'ROWS', 'HEAD'], ...rows], 'There is nothing in it yet.')
}

function readHash(value: string): string {
  if (/^[0-9a-f]{64}$/i.test(value)) return value.toLowerCase()
  throw new InvalidArgumentError('It must be the 64 hexadecimal digits of a head.')
}

const readFrom = (value: string) => readTime(value).at
const readTo = (value: string) => {
  const { at, isDay } = readTime(value)
  return isDay ? new Date(at.getTime() + daySeconds * secondMs) : at
}

function readTime(value: string): { readonly at: Date; readonly isDay: boolean } {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(value)
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(value)
  const at = new Date(value)
  // 30 February would be taken for 2 March.
  const isReal = !Number.isNaN(at.getTime()) && (!isDay || at.toISOString().startsWith(value))
  if ((isDay || isTime) && isReal) return { at, isDay }
  throw new InvalidArgumentError(
    'It must be a day such as 2026-11-26, or a time such as 2026-11-26T14:00:00Z.',
  )
}
