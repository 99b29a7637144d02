// Where to go after sign-in: a path of ours, or home (SECURITY U8).

/** `path` when it is a path on this very host, whatever tricks it tries; else `home`. */
export function returnPath(path: string, home: string): string {
  const base = 'https://latchkey.invalid'
  if (!/^\/[^/\\]/.test(path) || !URL.canParse(path, base)) return home
  const url = new URL(path, base)
  return url.origin === base ? url.pathname + url.search : home
}
