// What the examples on a page take from the environment, filled in for who reads it.
import { block, code, stack } from './markdown.ts'
import type { Reader, Subject } from './subject.ts'

export type Variable = 'API_KEY' | 'CLIENT_ID' | 'REDIRECT_URI'

export function variables({ profile }: Subject, reader: Reader, names: readonly Variable[]): string {
  const anyKey = `${profile.credentials.prefixes.api_key[profile.modes.at(-1) ?? 'live']}…`
  const values: Readonly<Record<Variable, string>> = {
    API_KEY: reader.key ?? anyKey,
    CLIENT_ID: reader.clientId ?? 'app_…',
    REDIRECT_URI: reader.redirectUri ?? 'http://127.0.0.1/callback',
  }
  const isOwnKey = names.includes('API_KEY') && reader.key !== null
  return stack(
    block('env', names.map((name) => `export ${name}=${quoted(values[name])}`).join('\n')),
    isOwnKey
      ? `${code(values.API_KEY)} is your newest key. Its whole secret was shown when it was made, and is kept by nobody but you.`
      : null,
  )
}

/** For a shell that a reader pastes it into: whatever it is, it is one word. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`
}
