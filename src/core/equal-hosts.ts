// The hosts beside that of PUBLIC_URL under which the API answers alike (decided by the profile's `hosts`).
import { isLoopback } from './config.ts'
import type { Profile } from './profile.ts'

/**
 * The domain of those hosts with its port, in lower case: "example.com" where PUBLIC_URL is https://app.example.com
 * and the profile says that `app` is the canonical label; on localhost it is localhost itself. null where there are
 * none. An address alone (https://example.com) has none beside it: what is under "com" is not ours. Whoever serves
 * app.DOMAIN has to own all of DOMAIN: hosts beside it are taken for ours.
 */
export function equalHostsDomain(publicUrl: string, { hosts }: Pick<Profile, 'hosts'>): string | null {
  if (!hosts.organizations && Object.keys(hosts.shortForms).length === 0) return null
  const { hostname, host } = new URL(publicUrl)
  if (isLoopback(hostname)) return hostname === 'localhost' ? host : null
  const prefix = `${hosts.canonical}.`
  const isUnderDomain = hostname.startsWith(prefix) && hostname.slice(prefix.length).includes('.')
  return isUnderDomain ? host.slice(prefix.length) : null
}

/** A base address of the API, as an OpenAPI document lists it. */
export interface ApiServer {
  readonly url: string
  readonly description?: string
  readonly variables?: Readonly<Record<string, { readonly default: string; readonly description: string }>>
}

/** Every base address of the API that others can reach, the canonical one first. */
export function apiServers(publicUrl: string, profile: Pick<Profile, 'hosts' | 'basePath'>): ApiServer[] {
  const { basePath, hosts } = profile
  const canonical = { url: publicUrl + basePath }
  const { protocol, hostname } = new URL(publicUrl)
  const domain = isLoopback(hostname) ? null : equalHostsDomain(publicUrl, profile)
  if (domain === null) return [canonical]
  const slug = { default: hosts.canonical, description: 'The slug of an organization.' }
  const ofOrganizations = {
    url: `${protocol}//{slug}.${domain}${basePath}`,
    description: 'Equal to the first: whose data it is, the credential says.',
    variables: { slug },
  }
  const short = Object.entries(hosts.shortForms).map(([label, path]) => ({
    url: `${protocol}//${label}.${domain}${path}`,
    description: 'Equal to the first.',
  }))
  return [
    { ...canonical, description: 'The canonical one.' },
    ...(hosts.organizations ? [ofOrganizations] : []),
    ...short,
  ]
}
