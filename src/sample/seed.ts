// The sample's first rows, from the file that the profile names.
import { z } from 'zod'
import type { OrganizationId } from '../core/ids.ts'
import { MistakesError } from '../core/mistakes.ts'
import { type Mode, modes } from '../core/principal.ts'
import { type Profile, readProfileFile } from '../core/profile.ts'
import { fileMistakes } from '../core/profile-words.ts'
import type { Db } from '../db/connect.ts'
import { StartupError } from '../lib/startup-error.ts'
import { addSeconds, daySeconds, hourSeconds } from '../lib/time.ts'
import { ulid } from '../lib/ulid.ts'
import { insertRows, type SampleRow } from './sample-store.ts'

const rowsSchema = z.partialRecord(
  z.enum(modes),
  z.record(z.string(), z.array(z.record(z.string(), z.unknown()))),
)

/** A time counted from today, at a full hour of UTC. */
const timeSchema = z.strictObject({ $day: z.int().min(-36_500).max(36_500), hour: z.int().min(0).max(23) })
/** The id of another row. */
const referenceSchema = z.strictObject({ $ref: z.string(), index: z.int().min(0) })

/** Kinds by mode, rows by kind, as the file has them. */
export type WrittenRows = z.infer<typeof rowsSchema>

/** @throws StartupError when the file can't be read, or is of another shape */
export function readSampleRows(profile: Profile): WrittenRows {
  const raw = readProfileFile(profile, profile.sample.rows)
  const parsed = rowsSchema.safeParse(raw)
  if (parsed.success) return parsed.data
  throw new MistakesError(
    `The sample rows ${profile.sample.rows} have mistakes:`,
    fileMistakes(parsed.error, raw),
  )
}

/** Fills an organization with the sample of both modes. Kinds come in the order of the file. */
export async function seedSample(
  db: Db,
  profile: Profile,
  organization: OrganizationId,
  now: Date,
): Promise<void> {
  const rows = readSampleRows(profile)
  for (const mode of profile.modes) {
    await seedMode(db, profile, { organization, mode }, rows[mode] ?? {}, now)
  }
}

async function seedMode(
  db: Db,
  profile: Profile,
  tenant: { readonly organization: OrganizationId; readonly mode: Mode },
  kinds: WrittenKinds,
  now: Date,
): Promise<void> {
  for (const [kind, rows] of makeRows(profile, kinds, now)) await insertRows(db, tenant, kind, rows)
}

export type WrittenKinds = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>

/** The rows with ids of their own, and with what they say of today and of one another made real. */
export function makeRows(profile: Profile, kinds: WrittenKinds, now: Date): [string, SampleRow[]][] {
  const made: Record<string, SampleRow[]> = {}
  const resolve = (value: unknown): unknown => {
    const time = timeSchema.safeParse(value)
    if (time.success) {
      const midnight = new Date(now).setUTCHours(0, 0, 0, 0)
      return addSeconds(
        new Date(midnight),
        time.data.$day * daySeconds + time.data.hour * hourSeconds,
      ).toISOString()
    }
    const reference = referenceSchema.safeParse(value)
    return reference.success ? made[reference.data.$ref]?.[reference.data.index]?.id : value
  }
  for (const [kind, rows] of Object.entries(kinds)) {
    const idPrefix = profile.sample.resources[kind]?.idPrefix
    if (idPrefix === undefined)
      throw new StartupError(`The sample has rows of ${kind}, which the profile's sample.resources lacks.`)
    const first = now.getTime() - rows.length
    made[kind] = rows.map((row, index) => ({
      // One millisecond apart: their ids, and so the lists, keep the order of the file.
      id: idPrefix + ulid(first + index),
      ...Object.fromEntries(Object.entries(row).map(([field, value]) => [field, resolve(value)])),
    }))
  }
  return Object.entries(made)
}
