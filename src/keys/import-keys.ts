// Taking in keys that were made elsewhere: a file of hashes, or of secrets that are read once and hashed. Batch by
// batch; while PostgreSQL writes one, the next one is read.
import { listShapes } from '../credentials/imported-shape-store.ts'
import { createShapeSet, type KeyShape } from '../credentials/imported-shapes.ts'
import { type Digest, sha256 } from '../lib/digest.ts'
import {
  type Batch,
  emptyBatch,
  finishBatch,
  type ImportOutcome,
  type ImportParts,
  type ImportRequest,
  type Run,
} from './import-batch.ts'
import { BadLine, type ImportedKey, readImportLine } from './import-line.ts'
import type { SourceLine } from './import-source.ts'
import { endImport, findImport, forgetOldImports } from './import-store.ts'

/** Lines in one transaction: an interrupted import does so many again at most. */
const batchLines = 5000
const forgetAfterDays = 30

/**
 * Imports every line that is good and reports the others. A key that is there already, under the same organization,
 * is left as it is.
 * @throws Problem invalid_parameter where another import of the same file is at work
 */
export async function importKeys(parts: ImportParts, request: ImportRequest): Promise<ImportOutcome> {
  const { db } = parts
  const { isDryRun } = request
  const id = isDryRun || !request.file ? null : idOf(request.file, request)
  if (!isDryRun) await forgetOldImports(db, forgetAfterDays)
  const begun = id ? await findImport(db, id) : null
  const run: Run = {
    parts,
    request,
    id,
    done: begun ?? { lines: 0, imported: 0, already: 0, bad: 0 },
    isRemembered: begun !== null,
    organizationsCreated: 0,
    foretold: new Set(),
  }
  const resumedAfter = run.done.lines
  request.onStart?.(resumedAfter)
  const shapes = createShapeSet(isDryRun ? [] : await listShapes(db))

  let lines = 0
  let isDoubtTold = false
  let batch = emptyBatch()
  // While PostgreSQL writes a batch, the next one is read.
  let writing: Promise<void> = Promise.resolve()
  const write = async () => {
    await writing
    const full = { ...batch, shapes: shapes.takeNew() }
    batch = emptyBatch()
    writing = finishBatch(run, full)
    writing.catch(() => {}) // it is awaited before the next one, and at the end
  }
  try {
    for await (const piece of request.lines) {
      for (const line of piece) {
        lines += 1
        if (lines <= resumedAfter) continue
        const key = readInto(batch, line, parts, shapes.add)
        if (key?.isLikeHash && !isDoubtTold) request.onHashLikeSecret?.(key.line)
        isDoubtTold ||= key?.isLikeHash === true
        if (batch.good.length + batch.bad.length >= batchLines) await write()
      }
    }
    await write()
  } finally {
    await writing // also where reading failed: whoever closes the database must not do so in between
  }
  if (id) await endImport(db, id)
  return { ...run.done, resumedAfter, organizationsCreated: run.organizationsCreated }
}

/** Of the same file, asked for otherwise, every line is to be looked at again. */
function idOf(file: Digest, { organization, createsOrganizations }: ImportRequest): Digest {
  return sha256(JSON.stringify([file.toString('hex'), organization, createsOrganizations]))
}

function readInto(
  batch: Batch,
  { line, read }: SourceLine,
  parts: ImportParts,
  noteShape: (shape: KeyShape) => void,
): ImportedKey | null {
  try {
    const key = readImportLine(line, read(), parts)
    batch.good.push(key)
    if (key.shape) noteShape(key.shape)
    return key
  } catch (thrown) {
    if (!(thrown instanceof BadLine)) throw thrown
    batch.bad.push({ line, reason: thrown.message })
    return null
  }
}
