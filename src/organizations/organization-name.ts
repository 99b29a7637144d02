// How an organization or a platform may be called: anything that can be shown on one line.
import { Problem } from '../core/problems.ts'
import { isBlank, isOneLine } from '../lib/shown-text.ts'

/** @throws Problem invalid_parameter */
export function readOrganizationName(text: string, longest: number): string {
  const name = text.trim()
  if (isBlank(name) || name.length > longest) throw wrong(`The name must have 1 to ${longest} characters.`)
  if (!isOneLine(name)) throw wrong('The name has a character that can not be shown.')
  return name
}

function wrong(say: string): Problem {
  return new Problem('invalid_parameter', { param: 'name', say })
}
