// A string that can't be printed by accident: in a template, in JSON, in a log, in an inspection.
import { inspect } from 'node:util'

/** Holds a secret; every way of printing it gives `[secret]`. Only `reveal()` gives the text. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The secret itself: for the one answer that shows it, or for a digest. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
