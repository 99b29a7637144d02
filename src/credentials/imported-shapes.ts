// What secrets look like that were made elsewhere and imported: they have no checksum of ours, so their shape is what
// a text is known by that may be one of them. A text of no known shape is refused without being looked up.
import type { Log } from '../core/telemetry.ts'

/** '' stands for any prefix and 0 for any length. */
export interface KeyShape {
  readonly prefix: string
  readonly length: number
}

/** What is shorter can be guessed, and what is longer is nobody's key: neither is ever looked up. */
export const shortestImported = 16
export const longestImported = 512
/** With more of them a prefix tells nothing: they are parts of the secrets. */
const mostPrefixes = 50
/** A server learns of an import within so many ms. */
export const refreshEveryMs = 2000

export const anyShape: KeyShape = { prefix: '', length: 0 }

// Words and what they are divided by, in one case: "sk_live_". Of random text it would be a part.
const wordlike =
  /^(?:[a-z]{2,10}\d{0,2}_(?:[a-z]{1,10}\d{0,2}_){0,2}|[A-Z]{2,10}\d{0,2}_(?:[A-Z]{1,10}\d{0,2}_){0,2})/

/** What a secret begins with that is no secret: "sk_live_"; '' where nothing says so. */
export function wordsBefore(secret: string): string {
  return wordlike.exec(secret)?.[0] ?? ''
}

/** The shape of a secret. Its prefix is kept in the clear: what is left must be long enough to be secret by itself. */
export function shapeOf(secret: string): KeyShape {
  const prefix = wordsBefore(secret)
  return { prefix: secret.length - prefix.length >= shortestImported ? prefix : '', length: secret.length }
}

/** Shapes, and what is asked of them; of one length they are few, however many there were. */
export interface ShapeSet {
  add(shape: KeyShape): void
  matches(secret: string): boolean
  /** Those that were added, and not covered, since this was last asked. */
  takeNew(): KeyShape[]
}

export function createShapeSet(known: readonly KeyShape[]): ShapeSet {
  const byLength = new Map<number, Set<string>>()
  let added: KeyShape[] = []
  const prefixesOf = (length: number) => {
    const prefixes = byLength.get(length) ?? new Set()
    byLength.set(length, prefixes)
    return prefixes
  }
  for (const { prefix, length } of known) prefixesOf(length).add(prefix)
  const isAmong = (prefixes: Set<string> | undefined, secret: string) => {
    if (prefixes?.has('')) return true
    for (const prefix of prefixes ?? []) if (secret.startsWith(prefix)) return true
    return false
  }
  return {
    add: ({ prefix: wanted, length }) => {
      const prefixes = prefixesOf(length)
      if (prefixes.has('') || prefixes.has(wanted) || byLength.get(0)?.has('')) return
      const prefix = prefixes.size < mostPrefixes ? wanted : ''
      prefixes.add(prefix)
      added.push({ prefix, length })
    },
    matches: (secret) => isAmong(byLength.get(secret.length), secret) || isAmong(byLength.get(0), secret),
    takeNew: () => {
      const taken = added
      added = []
      return taken
    },
  }
}

export interface ImportedShapes {
  /**
   * May this text be an imported secret? Only a look-up makes it true. Answers at once, but for what comes in before
   * the shapes are known at all. @throws where they can't be read then: a good key must not be called a bad one
   */
  match(secret: string): boolean | Promise<boolean>
  /** Reads the shapes again now. */
  reload(): Promise<void>
  close(): void
}

/**
 * Keeps the shapes in memory, and reads them every `refreshEveryMs`: by the clock and not by what comes in, so that a
 * text of no known shape costs no query (SECURITY K1). Where they can't be read, those of before stay.
 */
export function createImportedShapes(load: () => Promise<readonly KeyShape[]>, log: Log): ImportedShapes {
  let shapes: ShapeSet | null = null
  let loading: Promise<ShapeSet> | null = null
  const read = async () => {
    shapes = createShapeSet(await load())
    return shapes
  }
  /** However many ask at once, it is read once. */
  const readOnce = () => {
    loading ??= read().finally(() => {
      loading = null
    })
    return loading
  }
  const reload = async () => {
    try {
      await readOnce()
    } catch (err) {
      log.warn({ err }, 'the shapes of imported keys could not be read')
    }
  }
  const timer = setInterval(reload, refreshEveryMs)
  timer.unref()
  void reload()
  return {
    match: (secret) => {
      if (secret.length < shortestImported || secret.length > longestImported) return false
      return shapes ? shapes.matches(secret) : readOnce().then((read) => read.matches(secret))
    },
    reload,
    close: () => clearInterval(timer),
  }
}
