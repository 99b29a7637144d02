// What an app that registered itself may be called: the name stands on the consent page beside what nobody
// could fake, so that nothing in it may be unseen.
import { isBlank, isOneLine } from '../lib/shown-text.ts'

export const longestAppName = 100

/** What joins and colours emoji, and shapes letters of some scripts: seen by what it does. */
const shapers = /\u200c|\u200d|\ufe0f/g
/**
 * Without a shape or width of its own: two names that differ by it look alike. Braille's blank is a symbol to
 * Unicode, what stands between the lines (U+FFF9 …) is a format, and a private character is whatever a font makes it.
 */
const unseen = /[\p{Default_Ignorable_Code_Point}\p{Co}\u2800\ufff9-\ufffb]/u

/** Why an app can't be called that, as a sentence; null when it can. */
export function appNameMistake(name: string): string | null {
  if (isBlank(name) || [...name].length > longestAppName) {
    return `It must have 1 to ${longestAppName} characters.`
  }
  return isOneLine(name) && !unseen.test(name.replace(shapers, ''))
    ? null
    : 'It has a character that can not be shown.'
}
