// Where an app sends people back to, as it is shown to them: the whole host and port, never shortened, since a
// name can be copied by anyone and this can't.
import { isLoopback } from '../core/config.ts'

export interface RedirectHost {
  readonly host: string
  /** Not on the web: an app that runs where the browser does. */
  readonly isOnThisDevice: boolean
}

/** Each host once, in the order of the addresses. Of a scheme of the app's own the scheme stands for the host. */
export function redirectHosts(redirectUris: readonly string[]): RedirectHost[] {
  const hosts = new Map<string, RedirectHost>()
  for (const text of redirectUris) {
    if (!URL.canParse(text)) continue
    const { protocol, host, hostname } = new URL(text)
    const isWeb = protocol === 'https:' || protocol === 'http:'
    const shown = isWeb ? host : protocol
    hosts.set(shown, { host: shown, isOnThisDevice: !isWeb || isLoopback(hostname) })
  }
  return [...hosts.values()]
}
