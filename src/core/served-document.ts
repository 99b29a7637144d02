// The OpenAPI document as it is served: our addresses, and credentials as the profile has them, so that a reference
// page, a generated client and the server can't disagree.
import type { Operation } from './contract.ts'
import { apiServers } from './equal-hosts.ts'
import { appScopes, type Profile, takesBearers } from './profile.ts'

/** As much of a written document as is looked at here. */
interface Written {
  readonly [field: string]: unknown
  readonly paths: Readonly<Record<string, object>>
  readonly components?: object | undefined
}

/** Everything as it was written, in that order, less its servers and what it says of credentials. */
export function servedDocument(
  { security: _, ...written }: Written,
  operations: readonly Operation[],
  profile: Profile,
  publicUrl: string,
): object {
  const security = securityOf(profile, operations, publicUrl)
  const show = (path: string, method: string, value: unknown) => {
    const operation = operations.find((it) => it.path === path && it.method === method.toUpperCase())
    return operation && typeof value === 'object' ? { ...value, security: security.of(operation) } : value
  }
  const showItem = ([path, item]: [string, object]) => [
    path,
    Object.fromEntries(Object.entries(item).map(([key, value]) => [key, show(path, key, value)])),
  ]
  return {
    ...written,
    servers: apiServers(publicUrl, profile),
    paths: Object.fromEntries(Object.entries(written.paths).map(showItem)),
    components: { ...written.components, securitySchemes: security.schemes },
  }
}

type Requirement = Readonly<Record<string, readonly string[]>>

interface Security {
  /** For `components.securitySchemes` (OpenAPI 3.1 section 4.8.27). */
  readonly schemes: Readonly<Record<string, object>>
  /** Any one of these lets an operation be called. */
  of(operation: Pick<Operation, 'credential' | 'requiredScopes'>): readonly Requirement[]
}

/** @param operations those of the document: a scheme that none of them takes is left out */
function securityOf(
  profile: Profile,
  operations: readonly Pick<Operation, 'credential' | 'requiredScopes'>[],
  publicUrl: string,
): Security {
  const forApps = new Set(profile.oauth.enabled ? appScopes(profile) : [])
  const takes = ({ requiredScopes }: Pick<Operation, 'requiredScopes'>) =>
    forApps.size > 0 && requiredScopes.every((scope) => forApps.has(scope))
  const has = (credential: Operation['credential']) => operations.some((it) => it.credential === credential)
  const { prefixes } = profile.credentials
  const beginnings = Object.values(prefixes.api_key).map((prefix) => `${prefix}…`)
  return {
    schemes: {
      ...(has('tenant') && {
        apiKey: headerScheme(
          profile,
          `An API key (${beginnings.join(' or ')})${forApps.size > 0 ? ', or an OAuth access token' : ''}.`,
        ),
      }),
      ...(has('platform') && {
        platformKey: headerScheme(
          profile,
          `A platform key (${prefixes.platform_key}…), for provisioning alone.`,
        ),
      }),
      ...(forApps.size > 0 && { oauth: oauthScheme(profile, [...forApps], publicUrl) }),
    },
    of: (operation) => {
      if (operation.credential === 'platform') return [{ platformKey: [] }]
      return [{ apiKey: [] }, ...(takes(operation) ? [{ oauth: operation.requiredScopes }] : [])]
    },
  }
}

function headerScheme(profile: Profile, description: string): object {
  return takesBearers(profile)
    ? { type: 'http', scheme: 'bearer', description }
    : { type: 'apiKey', in: 'header', name: profile.credentials.header, description }
}

function oauthScheme({ scopes }: Profile, names: readonly string[], publicUrl: string): object {
  const tokenUrl = `${publicUrl}/oauth/token`
  return {
    type: 'oauth2',
    description: 'For apps that other people install. Public clients: PKCE (S256) is required.',
    flows: {
      authorizationCode: {
        authorizationUrl: `${publicUrl}/oauth/authorize`,
        tokenUrl,
        refreshUrl: tokenUrl,
        scopes: Object.fromEntries(names.map((name) => [name, scopes[name]?.sentence.en ?? ''])),
      },
    },
  }
}
