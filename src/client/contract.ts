// What the client knows of one published API. It is written by scripts/generate-client.ts from the API's profile and
// OpenAPI document, so that no code here asks which API it is.

/** The keys under which a value stands in an answer; an empty one is the answer itself. */
export type Path = readonly string[]

export interface Contract {
  /** As the profile is called: what the option `contract` of LatchkeyClient may say. */
  readonly name: string
  /** As errors begin: `${brand} API 400: …` */
  readonly brand: string
  /** The paths under which a host may have the API; the first is the usual one. */
  readonly basePaths: readonly [string, ...string[]]
  /** The header that carries a credential, in lower case. In `authorization` it is a bearer. */
  readonly header: string
  readonly prefixes: {
    readonly apiKey: readonly string[]
    readonly accessToken: readonly string[]
    readonly platformKey: readonly string[]
  }
  readonly requestIdHeader: string
  /** Where things stand in answers; null for what this API does not say. */
  readonly envelope: {
    readonly item: Path
    readonly items: Path
    readonly nextCursor: Path | null
    readonly page: Path | null
    readonly totalPages: Path | null
    readonly message: Path | null
    readonly code: Path | null
    readonly param: Path | null
    readonly requestId: Path | null
  }
  readonly pagination: 'cursor' | 'page' | 'link'
  readonly operations: readonly Operation[]
}

export interface Operation {
  readonly id: string
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH'
  /** Below the base path, with its parameters in braces: /bookings/{id} */
  readonly path: string
  /** `client.bookings.list` is the method "list" of "bookings"; null for `client.me`. */
  readonly resource: string | null
  readonly name: string
  /** What comes after the parameters of the path. */
  readonly input: 'body' | 'query' | null
  readonly answer: 'item' | 'list'
  /** Is an Idempotency-Key sent where the caller gives none? */
  readonly sendsIdempotencyKey: boolean
  /** Called with a platform's key instead of an organization's. */
  readonly isForPlatforms: boolean
}

/** As much of a contract as `contract` needs: the address and the header; what is left out is guessed. */
export type PartialContract = Partial<Omit<Contract, 'basePaths'>> & {
  /** Where the API is mounted, such as "/api/v1". */
  readonly basePath: string
  readonly header: string
}

/** For an API that nothing is known of: `client.request` works, and errors are read where they usually stand. */
export function completeContract({ basePath, header, ...given }: PartialContract): Contract {
  return {
    name: 'custom',
    brand: 'Latchkey',
    prefixes: { apiKey: [], accessToken: [], platformKey: [] },
    requestIdHeader: 'x-request-id',
    envelope: {
      item: [],
      items: ['data'],
      nextCursor: ['next_cursor'],
      page: null,
      totalPages: null,
      message: null,
      code: null,
      param: null,
      requestId: null,
    },
    pagination: 'cursor',
    operations: [],
    ...given,
    // With one slash before it and none after it, however it was written: it comes right behind the host's name.
    basePaths: [basePath.replace(/^\/*(?=[^/])/, '/').replace(/\/+$/, '')],
    header: header.toLowerCase(),
  }
}

type Kind = keyof Contract['prefixes']

/**
 * The contract whose prefix the credential begins with; of several the longest.
 * @returns null where there is none, or two that say the same
 */
export function contractOf(
  contracts: readonly Contract[],
  credential: string,
  kinds: readonly Kind[],
): Contract | null {
  const matches = contracts.flatMap((contract) =>
    kinds
      .flatMap((kind) => contract.prefixes[kind])
      .filter((prefix) => credential.startsWith(prefix))
      .map((prefix) => ({ contract, length: prefix.length })),
  )
  const longest = Math.max(...matches.map(({ length }) => length))
  const best = new Set(matches.filter(({ length }) => length === longest).map(({ contract }) => contract))
  const [only] = best
  return only && best.size === 1 ? only : null
}

/**
 * Where the API is: `baseUrl` may be the origin, or have the base path already.
 * @returns an address without a slash at its end
 * @throws TypeError for what is no http address, or carries a password, a query or a fragment
 */
export function addressOf({ basePaths }: Contract, baseUrl: string): string {
  const url = parseUrl(baseUrl)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new TypeError('baseUrl must be an address such as "https://api.example.com".')
  }
  const path = url.pathname.replace(/\/+$/, '')
  const has = basePaths.some((basePath) => path === basePath || path.endsWith(basePath))
  return url.origin + path + (has ? '' : basePaths[0])
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}
