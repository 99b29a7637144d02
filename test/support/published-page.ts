// A page that a vendor has published, sentence by sentence.

export interface Sentence {
  /** Verbatim, on one line. */
  readonly says: string
  /** The title of the test that holds it: the sentence itself, or another where two say the same. */
  readonly test: string | null
  /** Why no test holds it, where none does. */
  readonly why: string | null
}

export interface PublishedPage {
  readonly title: string
  /** The file in test/contracts/ that holds its tests. */
  readonly tests: string
  readonly sentences: readonly Sentence[]
}

/** A sentence that a test of this title holds us to; the title is the sentence itself unless another is named. */
export const promise = (says: string, test = says): Sentence => ({ says, test, why: null })

/** A sentence that no program can check, and why. */
export const aside = (says: string, why: string): Sentence => ({ says, test: null, why })
