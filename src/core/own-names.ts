// Paths and headers that are taken already: by the server's own pages, and by HTTP itself.

/** The first steps of the server's own paths at PUBLIC_URL; an API there would hide what it needs itself. */
const ownSteps = [
  '.well-known',
  'admin',
  'app-logos',
  'assets',
  'docs',
  'forgot-password',
  'healthz',
  'interaction',
  'invitation',
  'llms.txt',
  'metrics',
  'oauth',
  'readyz',
  'setup',
  'sign-in',
  'sign-out',
  'verify',
  'verify-nginx',
]

/** What is wrong with a path for the API; null for nothing. What comes after the path and a colon. */
export function apiPathMistake(path: string): string | null {
  const steps = path.split('/').slice(1)
  const [first = ''] = steps
  if (ownSteps.includes(first)) return `begins with /${first}, where the server has pages of its own`
  // Every client makes another path of these (RFC 3986 section 5.2.4).
  return steps.some((step) => step === '.' || step === '..') ? 'has a step that is . or ..' : null
}

const ofBoth = [
  ...['connection', 'content-encoding', 'content-length', 'content-type', 'date', 'idempotency-key'],
  ...['keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]
const ofRequests = [
  ...['accept', 'cookie', 'dpop', 'expect', 'host', 'origin', 'proxy-authorization', 'user-agent'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-method', 'x-forwarded-proto', 'x-forwarded-uri'],
  ...['x-original-method', 'x-original-uri', 'x-original-url'],
  ...ofBoth,
]
const ofAnswers = [
  ...['allow', 'authorization', 'cache-control', 'content-security-policy', 'etag', 'link', 'location'],
  ...['retry-after', 'set-cookie', 'vary', 'www-authenticate', 'x-content-type-options'],
  ...ofBoth,
]

/** The same of a header in which a credential comes. */
export function credentialHeaderMistake(name: string): string | null {
  return takenBy(ofRequests, name)
}

/** The same of a header that a profile names for answers. */
export function answerHeaderMistake(name: string): string | null {
  return takenBy(ofAnswers, name)
}

/** Of these forward-auth tells a server who is calling. */
const ofForwardAuth = 'x-latchkey-'

function takenBy(names: readonly string[], name: string): string | null {
  const lower = name.toLowerCase()
  if (lower.startsWith(ofForwardAuth))
    return `is ${name}, of those by which forward-auth tells who is calling`
  return names.includes(lower) ? `is ${name}, which has a meaning of its own in HTTP` : null
}
