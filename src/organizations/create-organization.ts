// Making an organization.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { readOrganizationName } from './organization-name.ts'
import { insertOrganization, type Organization } from './organization-store.ts'
import { isSlug } from './slug.ts'

/** As provisioning takes it. */
const longestName = 200

/** @throws Problem invalid_parameter for a name that can't be shown, or a slug that is malformed or taken */
export async function createOrganization(
  db: Db,
  { slug, by, ...wanted }: { readonly name: string; readonly slug: string; readonly by: Attribution },
): Promise<Organization> {
  const name = readOrganizationName(wanted.name, longestName)
  if (!isSlug(slug)) {
    const say = `The slug "${slug}" must be 1 to 63 of a-z, 0-9 and hyphens, with none at its ends: it is a host name.`
    throw new Problem('invalid_parameter', { param: 'slug', say })
  }
  return await db.transaction(async (tx) => {
    const organization = await insertOrganization(tx, name, slug)
    if (!organization)
      throw new Problem('invalid_parameter', { param: 'slug', say: `The slug "${slug}" is taken.` })
    const { id } = organization
    await record(tx, {
      organization: id,
      by,
      action: 'organization.created',
      target: id,
      details: { name, slug },
    })
    return organization
  })
}
