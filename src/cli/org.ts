// latchkey org: organizations.
import type { Command } from 'commander'
import type { Db } from '../db/connect.ts'
import { systemClock } from '../lib/time.ts'
import {
  type OrganizationRequest,
  resumeOrganization,
  suspendOrganization,
} from '../offboarding/suspend-organization.ts'
import { createOrganization } from '../organizations/create-organization.ts'
import { listOrganizations, type Organization } from '../organizations/organization-store.ts'
import { slugOf } from '../organizations/slug.ts'
import { organizationOf } from './options.ts'
import { answer, by, table, withDatabase } from './session.ts'

const show = (organization: Organization) => ({
  id: organization.id,
  name: organization.name,
  slug: organization.slug,
  created_at: organization.createdAt,
  state: stateOf(organization),
  suspended_at: organization.suspendedAt,
  platform_id: organization.platform?.id ?? null,
  external_id: organization.platform?.externalId ?? null,
})

/** `stopped`: not by itself, but with its platform. */
const stateOf = ({ suspendedAt, isStopped }: Organization) =>
  suspendedAt ? 'suspended' : isStopped ? 'stopped' : 'active'

export function orgCommands(program: Command): void {
  const org = program.command('org').description('organizations')

  org
    .command('create')
    .description('create an organization')
    .requiredOption('--name <name>', 'its name')
    .option('--slug <slug>', 'its name in addresses (default: made from the name)')
    .action(async ({ name, slug }: { name: string; slug?: string }, command: Command) => {
      const organization = await withDatabase(({ opened }) =>
        createOrganization(opened.database.knex, { name, slug: slug ?? slugOf(name), by }),
      )
      answer(command, show(organization), `Created ${organization.id} (${organization.slug}).`)
    })

  org
    .command('list')
    .description('list organizations')
    .action(async (_options: object, command: Command) => {
      const all = await withDatabase(({ opened }) => listOrganizations(opened.database.knex))
      const rows = all.map((it) => [it.id, it.slug, stateOf(it), it.name])
      const head = ['ID', 'SLUG', 'STATE', 'NAME']
      answer(command, all.map(show), table([head, ...rows], 'There are no organizations.'))
    })

  const addChange = (
    name: string,
    description: string,
    sentences: { readonly done: string; readonly already: string },
    change: (db: Db, request: OrganizationRequest, now: Date) => Promise<boolean>,
  ) =>
    org
      .command(name)
      .argument('<id or slug>', 'the organization')
      .description(description)
      .action(async (idOrSlug: string, _options: object, command: Command) => {
        const { isChanged, now } = await withDatabase(async ({ opened: { database } }) => {
          const { id } = await organizationOf(database.knex, idOrSlug)
          const request = { organization: id, by }
          return {
            isChanged: await change(database.knex, request, systemClock()),
            now: await organizationOf(database.knex, id),
          }
        })
        const said = `${now.name} (${now.id}) ${isChanged ? sentences.done : sentences.already}`
        const waits = stateOf(now) === 'stopped' ? ', but its platform is suspended: it waits for that' : ''
        answer(command, show(now), `${said}${waits}.`)
      })

  addChange(
    'suspend',
    'refuse every key, token and app of an organization until it is resumed',
    { done: 'is suspended: its keys and tokens are refused from now on', already: 'was suspended already' },
    suspendOrganization,
  )
  addChange(
    'resume',
    'let an organization go on with the same keys',
    { done: 'is resumed', already: 'is not suspended' },
    resumeOrganization,
  )
}
