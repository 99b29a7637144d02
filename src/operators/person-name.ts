// How a person may be called: anything that can be shown on one line.
import { Problem } from '../core/problems.ts'

export const longestPersonName = 100

/** @throws Problem invalid_parameter */
export function readPersonName(text: string, param = 'name'): string {
  const name = text.trim().replace(/ +/g, ' ')
  if (name === '') throw wrong(param, 'Tell your name, so that others know who you are.')
  if (name.length > longestPersonName)
    throw wrong(param, `The name may have ${longestPersonName} characters at most.`)
  if (!isOneLine(name)) throw wrong(param, 'The name has a character that can not be shown.')
  return name
}

/** No controls, no line ends, and nothing that turns the reading direction of what stands beside it (SECURITY U14). */
function isOneLine(text: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(text)
}

function wrong(param: string, say: string): Problem {
  return new Problem('invalid_parameter', { param, say })
}
