// Which redirect URIs an app may register (SECURITY A10 to A12; RFC 8252; OAuth 2.1 section 2.3). The rules are
// data: the page on which they are typed holds its script to the same ones.

/** One thing that a redirect URI must be; `public/app.js` reads them as `redirectUriMistake` does. */
export interface RedirectUriRule {
  readonly of: 'text' | 'protocol' | 'hostname'
  /** For URIs of these schemes alone: a pattern. */
  readonly scheme?: string
  readonly pattern: string
  /** Whether it must match, or must not. */
  readonly mustMatch: boolean
  readonly say: string
}

const longest = 2000
export const notAnUri = 'It must be an absolute URI.'

/** In this order; the first that is broken is the one that is said. */
export const redirectUriRules: readonly RedirectUriRule[] = [
  { of: 'text', pattern: '#', mustMatch: false, say: 'It must have no fragment (#).' },
  {
    of: 'text',
    pattern: '\\*',
    mustMatch: false,
    say: 'It must have no wildcard: it is compared exactly.',
  },
  {
    of: 'text',
    pattern: '^[^/]*//[^/?]*@',
    mustMatch: false,
    say: 'It must have no user or password.',
  },
  {
    of: 'text',
    pattern: `^\\S{1,${longest}}$`,
    mustMatch: true,
    say: `It must be one address of at most ${longest} characters.`,
  },
  {
    of: 'text',
    pattern: '^[\\x21-\\x7e]*$',
    mustMatch: true,
    say: 'It must be in plain ASCII: write other letters as %XX, and such a domain as xn--….',
  },
  {
    // A URL parser takes https:user@host, https:/user@host and https:\\host for the same; other readers don't.
    of: 'text',
    scheme: '^https?:$',
    pattern: '^[A-Za-z]+://[^/\\\\?][^\\\\]*$',
    mustMatch: true,
    say: 'After the scheme it must have // and a host, and no backslash.',
  },
  {
    of: 'hostname',
    scheme: '^https:$',
    pattern: '^(localhost|\\[::1\\]|127(\\.\\d{1,3}){3})$',
    mustMatch: false,
    say: 'On this computer use plain http: nobody has a certificate for it.',
  },
  {
    of: 'hostname',
    scheme: '^http:$',
    pattern: '^(127\\.0\\.0\\.1|\\[::1\\]|localhost)$',
    mustMatch: true,
    say: 'Plain http is for this computer only: 127.0.0.1, [::1] or localhost. Use https.',
  },
  {
    // RFC 8252 section 7.1: a scheme of one's own is a domain name in reverse, which nobody else may take.
    of: 'protocol',
    scheme: '^(?!https?:$)',
    pattern: '^[a-z][a-z0-9+-]*(\\.[a-z0-9+-]+)+:$',
    mustMatch: true,
    say: 'A scheme of your own must be a domain name in reverse, such as com.example.app:/callback.',
  },
]

/** Why a redirect URI can't be registered, as a sentence; null when it can. */
export function redirectUriMistake(text: string): string | null {
  if (!URL.canParse(text)) return notAnUri
  const { protocol, hostname } = new URL(text)
  const parts = { text, protocol, hostname }
  const broken = redirectUriRules.find(
    ({ of, scheme = '', pattern, mustMatch }) =>
      new RegExp(scheme).test(protocol) && new RegExp(pattern).test(parts[of]) !== mustMatch,
  )
  return broken?.say ?? null
}
