// The client that knows by the key which API it talks to.
import { type ClientOptions, ContractClient } from './client.ts'
import { type Contract, completeContract, contractOf, type PartialContract } from './contract.ts'
import { readCredential } from './credential.ts'
import { type ContractName, contracts, type Resources } from './generated/contracts.ts'
import { type NewOrganization, type OrganizationApiKey, type PlatformConfig, provision } from './provision.ts'

type AnyContract = ContractName | PartialContract | Contract

export type LatchkeyClientOptions<Named extends AnyContract = AnyContract> = ClientOptions & {
  /**
   * Which API it is, where the key does not say so: a name, a contract that was generated from a profile, or
   * `{ basePath, header }`.
   */
  readonly contract?: Named | undefined
}

export type LatchkeyPlatformConfig = PlatformConfig & { readonly contract?: AnyContract | undefined }

/** With the methods of the named API; without a name, with those of all that there are. */
export type LatchkeyClient<Named extends AnyContract = ContractName> = ContractClient &
  ([Named] extends [ContractName] ? ResourcesOf<Named> : unknown)

// Of several APIs a method with one name takes what any of them takes: an intersection, not a union.
type ResourcesOf<Named extends ContractName> = Intersected<Resources[Named]>
type Intersected<Union> = (Union extends unknown ? (it: Union) => void : never) extends (
  it: infer All,
) => void
  ? All
  : never

interface LatchkeyClientConstructor {
  /** @throws TypeError where neither `contract` nor the key says which API it is */
  new <Named extends AnyContract = ContractName>(options: LatchkeyClientOptions<Named>): LatchkeyClient<Named>
  /** As the function of this name. */
  createOrganizationApiKey(config: LatchkeyPlatformConfig, data: NewOrganization): Promise<OrganizationApiKey>
  readonly prototype: ContractClient
}

class AnyClient extends ContractClient {
  static {
    Object.defineProperty(AnyClient, 'name', { value: 'LatchkeyClient' })
  }
  static createOrganizationApiKey = createOrganizationApiKey

  constructor(options: LatchkeyClientOptions) {
    super(chosen(options.contract, options.apiKey, ['apiKey', 'accessToken'], 'apiKey'), options)
  }
}

// The methods are made at run time from the contract, whose types are the generated ones.
export const LatchkeyClient = AnyClient as unknown as LatchkeyClientConstructor

/**
 * Makes a customer's organization where it is not there yet, and a key for it: `(await …).apiKey`. It is sent with an
 * Idempotency-Key, so that its tries make one key.
 * @throws LatchkeyError, TypeError where neither `contract` nor the platform key says which API it is
 */
export async function createOrganizationApiKey(
  config: LatchkeyPlatformConfig,
  data: NewOrganization,
): Promise<OrganizationApiKey> {
  return provision(chosen(config.contract, config.platformKey, ['platformKey'], 'platformKey'), config, data)
}

function chosen(
  given: AnyContract | undefined,
  credential: unknown,
  kinds: Parameters<typeof contractOf>[2],
  name: string,
): Contract {
  const names = contracts.map((it) => `"${it.name}"`).join(', ')
  if (typeof given === 'string') {
    const named = contracts.find((it) => it.name === given)
    if (!named) throw new TypeError(`contract is unknown: there are ${names}.`)
    return named
  }
  if (given) return 'basePaths' in given ? given : completeContract(given)
  const found =
    typeof credential === 'function' ? null : contractOf(contracts, readCredential(name, credential), kinds)
  if (found) return found
  const why =
    typeof credential === 'function'
      ? `${name} is a function, which does not say which API it is for`
      : `${name} begins like no credential of an API that this client knows`
  throw new TypeError(
    `${why}. Pass contract: ${names}, a generated contract, or { basePath: "/api/v1", header: "authorization" }.`,
  )
}
