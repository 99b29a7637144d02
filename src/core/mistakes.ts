// Mistakes in a file that somebody wrote: each with the place where it is, all of them at once.
import { StartupError } from '../lib/startup-error.ts'

export interface Mistake {
  /** The path in the file: scopes.read:bookings.sentence.fr; '' for the file as a whole. */
  readonly at: string
  /** What comes after the path and a colon: "is missing". */
  readonly say: string
}

export const pathOf = (path: readonly PropertyKey[]) => path.map(String).join('.')

export const sayMistake = ({ at, say }: Mistake) => (at === '' ? say : `${at}: ${say}`)

/** Stops a start, as any StartupError; whoever checks a file takes the mistakes one by one. */
export class MistakesError extends StartupError {
  readonly mistakes: readonly Mistake[]

  constructor(heading: string, mistakes: readonly Mistake[]) {
    super(`${heading}\n  ${mistakes.map(sayMistake).join('\n  ')}`)
    this.mistakes = mistakes
  }
}
