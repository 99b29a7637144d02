// The hosts under which the API is there too.
import { apiServers } from '../core/equal-hosts.ts'
import { code, stack, table, text } from './markdown.ts'
import type { Subject } from './subject.ts'

/** null where the API has one address. */
export function hostsSection({ profile, publicUrl }: Subject): string | null {
  const servers = apiServers(publicUrl, profile)
  if (servers.length === 1) return null
  return stack(
    '## Addresses',
    'The API answers alike under each of these. Whose data it is, the credential says, never the address.',
    table(
      ['Address', 'What it is'],
      servers.map(({ url, description = '' }) => [code(url), text(description)]),
    ),
  )
}
