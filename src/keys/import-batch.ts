// One batch of an import: written in one transaction with what the ledger is told and with how far the file has been
// read, or only checked.
import { recordAll } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { isOrganizationId, newKeyId, type OrganizationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import { insertImportedCredentials } from '../credentials/credential-store.ts'
import type { SecretFormat } from '../credentials/format.ts'
import { insertShapes } from '../credentials/imported-shape-store.ts'
import type { KeyShape } from '../credentials/imported-shapes.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import {
  holdOrganizations,
  insertOrganizations,
  type Organization,
} from '../organizations/organization-store.ts'
import { isSlug } from '../organizations/slug.ts'
import { type ImportedKey, noSuchOrganization } from './import-line.ts'
import type { SourceLine } from './import-source.ts'
import {
  findHashOwners,
  type ImportProgress,
  insertImportedKeys,
  moveImport,
  takeBackImported,
} from './import-store.ts'
import { toCredential } from './issue-key.ts'
import { type ApiKey, madeByImport } from './key.ts'

export interface ImportParts {
  readonly db: Db
  readonly profile: Profile
  readonly format: SecretFormat
  readonly now: Date
  readonly by: Attribution
}

export interface ImportRequest {
  /** In the order of the file. */
  readonly lines: AsyncIterable<readonly SourceLine[]>
  /** Of the file's content; null for what can't be read twice: then nothing is remembered to go on after. */
  readonly file: Digest | null
  /** Whose keys those are whose lines do not say so. */
  readonly organization: OrganizationId | null
  /** Make organizations for slugs that there are not. */
  readonly createsOrganizations: boolean
  /** Check everything, and write nothing. */
  readonly isDryRun: boolean
  /** Before anything is read, with how many lines an interrupted run has done. */
  readonly onStart?: (resumedAfter: number) => void
  /** Where the import is interrupted right after, the same may be told again when it goes on. */
  readonly onBadLine: (bad: BadLineReport) => void
  /** Once, for the first line with a secret that may be a hash: then the hashes would open the API, and the keys not. */
  readonly onHashLikeSecret?: (line: number) => void
  readonly onProgress?: (lines: number) => void
}

export interface BadLineReport {
  readonly line: number
  /** Never a word of the line itself. */
  readonly reason: string
}

export interface ImportOutcome extends ImportProgress {
  /** How many lines an earlier, interrupted run had done. */
  readonly resumedAfter: number
  readonly organizationsCreated: number
}

export interface Run {
  readonly parts: ImportParts
  readonly request: ImportRequest
  /** What is gone on with by; null where nothing is remembered. */
  readonly id: Digest | null
  done: ImportProgress
  /** Is there a row of it? */
  isRemembered: boolean
  organizationsCreated: number
  /** The slugs of those that a dry run would have created. */
  readonly foretold: Set<string>
}

export interface Batch {
  readonly good: ImportedKey[]
  readonly bad: BadLineReport[]
  readonly shapes: readonly KeyShape[]
}

export const emptyBatch = (): Batch => ({ good: [], bad: [], shapes: [] })

/** Writes a batch, or checks it where nothing is to be written; what is wrong with its lines is told before it counts. */
export async function finishBatch(run: Run, batch: Batch): Promise<void> {
  const lines = batch.good.length + batch.bad.length
  if (lines === 0) return
  const { parts, request, id } = run
  const { done, organizationsCreated } = await parts.db.transaction(async (tx) => {
    const sorting = sortOut(batch, await organizationsOf(tx, run, batch.good))
    const fate = request.isDryRun ? await foretell(tx, sorting.keys) : await writeKeys(tx, run, sorting)
    const bad = [...batch.bad, ...sorting.bad, ...fate.bad].sort((a, b) => a.line - b.line)
    for (const it of bad) request.onBadLine(it)
    const after = {
      lines: run.done.lines + lines,
      imported: run.done.imported + fate.imported,
      already: run.done.already + lines - fate.imported - bad.length,
      bad: run.done.bad + bad.length,
    }
    if (!request.isDryRun) await insertShapes(tx, batch.shapes)
    if (id && !(await moveImport(tx, id, run.isRemembered ? run.done : null, after)))
      throw new Problem('invalid_parameter', {
        say: 'Another import of this file is at work: wait for its end.',
      })
    return { done: after, organizationsCreated: sorting.organizationsCreated }
  })
  run.done = done
  run.isRemembered = true
  run.organizationsCreated += organizationsCreated
  request.onProgress?.(done.lines)
}

interface Organizations {
  /** By what the lines call them; null for the default one. */
  readonly byName: ReadonlyMap<string | null, Pick<Organization, 'id' | 'isStopped'>>
  readonly created: number
}

async function organizationsOf(tx: Tx, run: Run, keys: readonly ImportedKey[]): Promise<Organizations> {
  const { organization: byDefault, createsOrganizations, isDryRun } = run.request
  const names = [...new Set(keys.map((key) => key.organization ?? byDefault))].filter((name) => name !== null)
  const found = new Map<string | null, Pick<Organization, 'id' | 'isStopped'>>()
  const add = (organization: Organization) =>
    found.set(organization.id, organization).set(organization.slug, organization)
  for (const it of await holdOrganizations(tx, names)) add(it)
  const missing = createsOrganizations
    ? names.filter((name) => !found.has(name) && !isOrganizationId(name) && isSlug(name))
    : []
  let created: number
  if (isDryRun) {
    // They would get ids of their own: until then their names are as good.
    for (const slug of missing) found.set(slug, { id: `org_ ${slug}`, isStopped: false })
    const before = run.foretold.size
    for (const slug of missing) run.foretold.add(slug)
    created = run.foretold.size - before
  } else {
    const made = await insertOrganizations(tx, missing)
    for (const it of made) add(it)
    await recordAll(
      tx,
      made.map(({ id, name, slug }) => ({
        organization: id,
        by: run.parts.by,
        action: 'organization.created',
        target: id,
        details: { name, slug },
      })),
    )
    created = made.length
    // Made by somebody else in between.
    if (made.length < missing.length)
      for (const it of await holdOrganizations(tx, missing)) if (!found.has(it.slug)) add(it)
  }
  const ofDefault = byDefault === null ? undefined : found.get(byDefault)
  if (ofDefault) found.set(null, ofDefault)
  return { byName: found, created }
}

interface SortedOut {
  readonly keys: readonly OwnedKey[]
  readonly bad: readonly BadLineReport[]
  readonly organizationsCreated: number
}

interface OwnedKey {
  readonly given: ImportedKey
  readonly hash: string
  readonly owner: OrganizationId
}

/** The keys of which the batch itself says nothing against, each once. */
function sortOut({ good }: Batch, { byName, created }: Organizations): SortedOut {
  const bad: BadLineReport[] = []
  const first = new Map<string, OwnedKey>()
  for (const given of good) {
    const { line } = given
    const organization = byName.get(given.organization)
    if (!organization) bad.push({ line, reason: noOrganization(given) })
    else if (organization.isStopped) bad.push({ line, reason: 'organization: it is suspended.' })
    else {
      const hash = given.hash.toString('hex')
      const before = first.get(hash)
      if (!before) first.set(hash, { given, hash, owner: organization.id })
      else if (before.owner !== organization.id) bad.push({ line, reason: ofAnother })
    }
  }
  return { keys: [...first.values()], bad, organizationsCreated: created }
}

const ofAnother = 'The key is there already, under another organization.'
const noOrganization = ({ organization }: ImportedKey) =>
  organization === null ? 'organization: it names none, and there is no default (--org).' : noSuchOrganization

interface Fate {
  readonly imported: number
  /** Those that can't be written; what is neither is there already. */
  readonly bad: readonly BadLineReport[]
}

async function writeKeys(tx: Tx, run: Run, { keys }: SortedOut): Promise<Fate> {
  const { by, now } = run.parts
  const rows = keys.map((it) => ({ ...it, key: toKey(it, now) }))
  const written = await insertImportedKeys(
    tx,
    rows.map(({ key }) => key),
  )
  const made = rows.filter(({ key }) => written.has(key.id))
  const working = made.filter(({ given }) => given.state === 'active').map(({ key }) => toCredential(key))
  const taken = new Set(await insertImportedCredentials(tx, working))
  if (taken.size > 0) await takeBackImported(tx, [...taken])
  const imported = made.filter(({ key }) => !taken.has(key.id))
  await recordImported(
    tx,
    run,
    imported.map(({ owner }) => owner),
    by,
  )
  return {
    imported: imported.length,
    bad: [
      ...made.filter(({ key }) => taken.has(key.id)).map(({ given }) => ofOtherKind(given)),
      ...(await ownedByOthers(
        tx,
        rows.filter(({ key }) => !written.has(key.id)),
      )),
    ],
  }
}

const ofOtherKind = ({ line }: ImportedKey): BadLineReport => ({
  line,
  reason: 'The secret is there already, and is no API key.',
})

/** What `writeKeys` would say, as far as can be told from what is there. */
async function foretell(db: Db, keys: readonly OwnedKey[]): Promise<Fate> {
  const owners = await findHashOwners(
    db,
    keys.map(({ given }) => given.hash),
  )
  const bad = keys.filter(({ hash, owner }) => (owners.get(hash) ?? owner) !== owner)
  return {
    imported: keys.filter(({ hash }) => !owners.has(hash)).length,
    bad: bad.map(({ given }) => ({ line: given.line, reason: ofAnother })),
  }
}

async function ownedByOthers(db: Db, keys: readonly OwnedKey[]): Promise<readonly BadLineReport[]> {
  return (await foretell(db, keys)).bad
}

/** One entry in the ledger of each organization. */
async function recordImported(
  tx: Tx,
  { request }: Run,
  owners: readonly OrganizationId[],
  by: Attribution,
): Promise<void> {
  const counts = new Map<OrganizationId, number>()
  for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  const file = request.file ? { file_sha256: request.file.toString('hex') } : {}
  const entries = [...counts].map(([organization, keys]) => ({
    organization,
    by,
    action: 'keys.imported' as const,
    target: organization,
    details: { keys, ...file },
  }))
  await recordAll(tx, entries)
}

function toKey({ given, owner }: OwnedKey, now: Date): ApiKey {
  const { mode, name, scopes, prefix, lastFour, hash, createdAt, expiresAt, state } = given
  return {
    id: newKeyId(),
    organization: owner,
    mode,
    name,
    scopes,
    prefix,
    lastFour,
    hash,
    allowedAddresses: null,
    createdBy: madeByImport,
    createdAt,
    expiresAt,
    deactivatedAt: state === 'deactivated' ? now : null,
    revokedAt: state === 'revoked' ? now : null,
    rotatedFrom: null,
    retiresAt: null,
  }
}
