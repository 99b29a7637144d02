// What a command works with: the base, the open database, and one way to answer.
import type { Command } from 'commander'
import { sealPending } from '../audit/seal.ts'
import { type Base, loadBase, type OpenDatabase, openConfiguredDatabase } from '../base.ts'
import { byCommandLine } from '../core/attribution.ts'
import { Problem } from '../core/problems.ts'
import { isAtHead, migrate } from '../db/migrate.ts'
import { StartupError } from '../lib/startup-error.ts'

/** Who did it, in the ledger. */
export const by = byCommandLine

export interface Session extends Base {
  readonly opened: OpenDatabase
}

/** Opens the database, works, seals what the ledger was told, and closes it, also while a server runs on it. */
export async function withDatabase<T>(work: (session: Session) => Promise<T>): Promise<T> {
  const base = loadBase(process.env)
  const opened = await openConfiguredDatabase(base.config, 'borrower')
  try {
    await ensureSchema(base, opened)
    const result = await work({ ...base, opened })
    // The work is done and told of: where it can't be sealed now, the server or the next command does it.
    await sealPending(opened.database.knex).catch(() => {})
    return result
  } finally {
    await opened.close()
  }
}

/** Answers: one JSON value with --json, else the text for people. */
export function answer(command: Command, value: unknown, text: string): void {
  const json = command.optsWithGlobals()['json'] === true
  console.log(json ? JSON.stringify(value, null, 2) : text)
}

/** The table for people: columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[], whenEmpty: string): string {
  if (rows.length <= 1) return whenEmpty
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** @throws Problem resource_not_found with the sentence */
export function found<T>(value: T | null, say: string): T {
  if (value === null) throw new Problem('resource_not_found', { say })
  return value
}

/** The embedded database is our own to migrate; another is migrated by its server, or by who says so. */
async function ensureSchema({ config }: Base, { address, database }: OpenDatabase): Promise<void> {
  if (config.database.kind === 'embedded') {
    await migrate(address)
    return
  }
  const ready = await isAtHead(database.knex).catch(() => false)
  if (!ready) throw new StartupError('The database lacks migrations. Run: npx latchkey migrate')
}
