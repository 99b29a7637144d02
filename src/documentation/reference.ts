// Every operation in a list, for those who read without a script. With one, the page shows the whole document.
import type { Operation } from '../core/contract.ts'
import { code, stack, table, text } from './markdown.ts'
import { apiUrl, requestLine, type Subject } from './subject.ts'

export function referencePage(subject: Subject): string {
  const { contract, profile } = subject
  const groups = [...new Set(contract.operations.map(groupOf))]
  return stack(
    '# Reference',
    `Addresses are below ${code(apiUrl(subject))}. What each operation takes and answers, field by field, stands in the [OpenAPI document](${profile.basePath}/openapi.json): read it, or generate a client from it.`,
    ...groups.map((group) =>
      stack(
        `## ${text(group)}`,
        table(
          ['Operation', 'What it does', 'Requires'],
          contract.operations
            .filter((it) => groupOf(it) === group)
            .map((operation) => [
              code(requestLine(operation)),
              text(operation.summary || operation.id),
              required(operation),
            ]),
        ),
      ),
    ),
  )
}

/** The first part of its path. */
function groupOf({ path }: Operation): string {
  return path.split('/')[1] ?? ''
}

function required({ credential, requiredScopes }: Operation): string {
  if (credential === 'platform') return 'a platform key'
  return requiredScopes.length > 0 ? requiredScopes.map(code).join(' ') : 'any credential'
}
