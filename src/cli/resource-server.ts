// latchkey resource-server: APIs that ask about the credentials that they are sent.
import type { Command } from 'commander'
import { isResourceServerId, type ResourceServerId } from '../core/ids.ts'
import { systemClock } from '../lib/time.ts'
import { protectedResource } from '../oauth/protected-resource.ts'
import {
  type ResourceServerWithSecret,
  registerResourceServer,
  removeResourceServer,
  rotateSecret,
} from '../oauth/register-resource-server.ts'
import type { ResourceServer } from '../oauth/resource-server.ts'
import { listResourceServers } from '../oauth/resource-server-store.ts'
import { checkScopes, collectScopes } from './options.ts'
import { answer, by, found, table, withDatabase } from './session.ts'

const show = (server: ResourceServer) => ({
  client_id: server.id,
  name: server.name,
  audience: server.audience,
  scopes: server.scopes,
  created_at: server.createdAt,
})

const noServer = (id: string) => `There is no resource server ${id}.`

interface CreateOptions {
  readonly name: string
  readonly audience?: string
  readonly scope?: string[]
}

export function resourceServerCommands(program: Command): void {
  const server = program
    .command('resource-server')
    .description('APIs that ask about credentials, by introspection')

  server
    .command('create')
    .description('give an API a client_id and a client_secret to ask with; the secret is shown this once')
    .requiredOption('--name <name>', 'what it is called, for you')
    .option('--audience <uri>', 'the resource that its access tokens are for (default: our own API)')
    .option(
      '--scope <scope>',
      'what is granted for it and what it is told of; may be given more than once (default: all)',
      collectScopes,
    )
    .action(async ({ name, audience, scope }: CreateOptions, command: Command) => {
      const made = await withDatabase(({ opened, profile, config }) => {
        const wanted = {
          name,
          audience: audience ?? protectedResource(profile, config.publicUrl).resource,
          scopes: scope ? checkScopes(profile, scope) : null,
          by,
        }
        return registerResourceServer(opened.database.knex, wanted, systemClock())
      })
      answerWithSecret(command, made)
    })

  server
    .command('list')
    .description('list resource servers, the oldest first')
    .action(async (_options: object, command: Command) => {
      const all = await withDatabase(({ opened }) => listResourceServers(opened.database.knex))
      const rows = all.map((it) => [it.id, it.name, it.audience, it.scopes?.join(' ') ?? '(all)'])
      const head = ['CLIENT_ID', 'NAME', 'AUDIENCE', 'SCOPES']
      answer(command, all.map(show), table([head, ...rows], 'There are no resource servers.'))
    })

  server
    .command('rotate-secret')
    .argument('<client_id>', 'the resource server')
    .description('give it a new secret, shown this once; the old one is refused from now on')
    .action(async (id: string, _options: object, command: Command) => {
      const made = await withDatabase(async ({ opened }) =>
        found(await rotateSecret(opened.database.knex, readId(id), by), noServer(id)),
      )
      answerWithSecret(command, made)
    })

  server
    .command('delete')
    .argument('<client_id>', 'the resource server')
    .description('delete it: it is told of no credential any more')
    .action(async (id: string, _options: object, command: Command) => {
      const gone = await withDatabase(async ({ opened }) =>
        found(await removeResourceServer(opened.database.knex, readId(id), by), noServer(id)),
      )
      answer(command, show(gone), `Deleted ${gone.id} (${gone.name}).`)
    })
}

function answerWithSecret(command: Command, { server, secret }: ResourceServerWithSecret): void {
  const text = [
    `${server.name}, for ${server.audience}`,
    '',
    `  client_id      ${server.id}`,
    `  client_secret  ${secret.reveal()}`,
    '',
    'Keep the secret: it is not shown again.',
  ].join('\n')
  answer(command, { ...show(server), client_secret: secret.reveal() }, text)
}

/** @throws Problem resource_not_found */
function readId(id: string): ResourceServerId {
  return found(isResourceServerId(id) ? id : null, noServer(id))
}
