// latchkey org: organizations.
import type { Command } from 'commander'
import { createOrganization } from '../organizations/create-organization.ts'
import { listOrganizations, type Organization } from '../organizations/organization-store.ts'
import { answer, by, table, withDatabase } from './session.ts'

const show = ({ id, name, slug, createdAt }: Organization) => ({ id, name, slug, created_at: createdAt })

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
      const rows = all.map(({ id, slug, name }) => [id, slug, name])
      answer(command, all.map(show), table([['ID', 'SLUG', 'NAME'], ...rows], 'There are no organizations.'))
    })
}

function slugOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .toLowerCase()
  return plain
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
}
