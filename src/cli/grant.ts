// latchkey grant: what people have allowed apps to do.
import type { Command } from 'commander'
import { isClientId, isGrantId } from '../core/ids.ts'
import type { CredentialUse } from '../credentials/last-use.ts'
import { type Grant, listGrants } from '../oauth/grant-store.ts'
import { findGrantUses } from '../oauth/grant-use-store.ts'
import { removeGrant } from '../oauth/remove-access.ts'
import { findPersonToSignIn } from '../operators/person-store.ts'
import { organizationOf } from './options.ts'
import { answer, by, found, table, withDatabase } from './session.ts'

const listLimit = 1000

const show = (grant: Grant) => ({
  id: grant.id,
  client_id: grant.client,
  person_id: grant.person,
  organization_id: grant.organization,
  mode: grant.mode,
  scopes: grant.scopes,
  created_at: grant.createdAt,
  expires_at: grant.expiresAt,
})

const showListed = (grant: Grant, lastUse: CredentialUse | undefined) => ({
  ...show(grant),
  last_used: lastUse ?? null,
})

export function grantCommands(program: Command): void {
  const grant = program.command('grant').description('what people have allowed apps to do')

  grant
    .command('list')
    .description('list grants, the newest first, and when each was last used')
    .option('--org <id or slug>', 'for one organization')
    .option('--app <client_id>', 'of one app')
    .option('--person <email>', 'by one person')
    .action(async (options: { org?: string; app?: string; person?: string }, command: Command) => {
      const { grants, uses } = await withDatabase(async ({ opened: { database } }) => {
        const { org, app, person } = options
        const known = person === undefined ? undefined : await findPersonToSignIn(database.knex, person)
        const filter = {
          ...(org === undefined ? {} : { organization: (await organizationOf(database.knex, org)).id }),
          ...(app === undefined
            ? {}
            : { client: found(isClientId(app) ? app : null, `There is no app ${app}.`) }),
          ...(known === undefined
            ? {}
            : { person: found(known?.person.id ?? null, `There is nobody with ${person}.`) }),
        }
        const listed = await listGrants(database.knex, filter, listLimit)
        const ids = listed.map(({ id }) => id)
        return { grants: listed, uses: await findGrantUses(database.knex, ids) }
      })
      const lastUsed = (it: Grant) => uses.get(it.id)?.at.toISOString() ?? 'never'
      const rows = grants.map((it) => [
        it.id,
        it.client,
        it.person,
        it.mode,
        lastUsed(it),
        it.scopes.join(' '),
      ])
      answer(
        command,
        grants.map((it) => showListed(it, uses.get(it.id))),
        table([['ID', 'APP', 'PERSON', 'MODE', 'LAST USED', 'SCOPES'], ...rows], 'There are no grants.'),
      )
    })

  grant
    .command('revoke')
    .argument('<id>', 'the grant')
    .description('revoke a grant: its tokens are refused from now on, and the app has to ask again')
    .action(async (id: string, _options: object, command: Command) => {
      const gone = await withDatabase(async ({ opened }) => {
        const revoked = isGrantId(id) ? await removeGrant(opened.database.knex, id, by) : null
        return found(revoked, `There is no grant ${id}.`)
      })
      answer(command, show(gone), `Revoked ${gone.id}.`)
    })
}
