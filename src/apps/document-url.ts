// Which addresses may name an app (Client ID Metadata Document section 3; SECURITY D1).

/** Why the address can't be an app's name, as a sentence; null when it can. */
export function documentUrlMistake(text: string): string | null {
  if (!text.startsWith('https://') || !URL.canParse(text)) return 'It must be an https address.'
  const url = new URL(text)
  if (text.includes('#')) return 'It must have no fragment (#).'
  if (/^https:\/\/[^/?]*@/.test(text)) return 'It must have no user or password.'
  if (/\/(\.|%2e){1,2}(\/|$)/i.test(text.replace(/\?.*$/, ''))) return 'It must have no dot segments.'
  if (url.pathname === '/') return 'It must have a path, such as https://app.example.com/client.json.'
  if (url.hostname.endsWith('.')) return 'Its host must not end with a dot.'
  // One app, one name: what a URL parser would write otherwise (a host in capitals, a number for a host) is refused.
  return url.href === text ? null : `It must be written as ${url.href.slice(0, 300)}`
}
