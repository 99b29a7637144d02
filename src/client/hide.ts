// Keeps secrets out of what is printed. An answer that holds a new key can be read and stored as it is; a
// `console.log` of it shows [secret] in the key's place.

export const inspect = Symbol.for('nodejs.util.inspect.custom')
export const hidden = '[secret]'

/** Longer than a prefix by this much is a secret, and not the prefix or a name that begins like it. */
const shortestSecret = 16

/** Makes `console.log` of the object show none of the strings in it that begin like a secret. It stays as it is. */
export function hideOnInspect<T>(value: T, prefixes: readonly string[]): T {
  if (typeof value !== 'object' || value === null) return value
  const isSecret = (text: string) =>
    prefixes.some((prefix) => text.startsWith(prefix) && text.length >= prefix.length + shortestSecret)
  return showInstead(value, isSecret)
}

/** Makes `console.log` of the object show [secret] for these fields of it. */
export function hideFields<T extends object>(value: T, fields: readonly (keyof T)[]): T {
  const secrets = new Set(fields.map((field) => value[field]))
  return showInstead(value, (text) => secrets.has(text as T[keyof T])) // a set of what may be no text, asked for one
}

function showInstead<T extends object>(value: T, isSecret: (text: string) => boolean): T {
  const shown = withoutSecrets(value, isSecret)
  if (JSON.stringify(shown) === JSON.stringify(value)) return value
  // Not enumerable: nothing that copies, compares or serialises the object sees it.
  return Object.defineProperty(value, inspect, { value: () => shown, enumerable: false, configurable: true })
}

function withoutSecrets(value: unknown, isSecret: (text: string) => boolean): unknown {
  if (typeof value === 'string') return isSecret(value) ? hidden : value
  if (Array.isArray(value)) return value.map((it) => withoutSecrets(it, isSecret))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, withoutSecrets(it, isSecret)]))
}

/** The text with [secret] in the secret's place, should it be in it: a server may repeat what it was sent. */
export function withoutSecret(text: string, secret: string): string {
  return secret === '' ? text : text.replaceAll(secret, hidden)
}
