// What a client calls with: a key, or a function that gives an access token when one is needed.

/**
 * @param refused the token that was just answered with 401: not to be given again
 * @returns a token that is good now
 */
export type GetToken = (refused?: string) => string | Promise<string>

export type Credential = string | GetToken

/**
 * A credential without the line break that a file leaves at its end.
 * @throws TypeError for what no header can carry. It does not say what it was.
 */
export function readCredential(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : ''
  if (text === '') throw new TypeError(`${name} is missing: it must be a text that is not empty.`)
  if (!/^[\x21-\x7e]+$/.test(text)) throw new TypeError(`${name} has characters that no credential has.`)
  return text
}

export function headersFor(header: string, credential: string): Record<string, string> {
  return { [header]: header === 'authorization' ? `Bearer ${credential}` : credential }
}
