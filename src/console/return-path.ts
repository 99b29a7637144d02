// Where to go after sign-in: a path of ours, or home (SECURITY U8).

/** `path` when it is a path on this very host, whatever tricks it tries; else `home`. */
export function returnPath(path: string, home: string): string {
  const base = 'https://latchkey.invalid'
  if (!/^\/[^/\\]/.test(path) || !URL.canParse(path, base)) return home
  const url = new URL(path, base)
  // Looked at again as it will be sent: `/x/..//evil.example` has become `//evil.example`.
  const resolved = url.pathname + url.search
  return url.origin === base && /^\/(?![/\\])/.test(resolved) ? resolved : home
}
