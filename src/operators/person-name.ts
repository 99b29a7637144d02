// How a person may be called: anything that can be shown on one line.
import { Problem } from '../core/problems.ts'
import { isBlank, isOneLine } from '../lib/shown-text.ts'

export const longestPersonName = 100

/** @throws Problem invalid_parameter */
export function readPersonName(text: string, param = 'name'): string {
  const name = text.trim().replace(/ +/g, ' ')
  if (isBlank(name)) throw wrong(param, 'Tell your name, so that others know who you are.')
  if (name.length > longestPersonName)
    throw wrong(param, `The name may have ${longestPersonName} characters at most.`)
  if (!isOneLine(name)) throw wrong(param, 'The name has a character that can not be shown.')
  return name
}

function wrong(param: string, say: string): Problem {
  return new Problem('invalid_parameter', { param, say })
}
