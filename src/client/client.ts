// A client of one API. The generated classes are this one with the contract and the types of their API.
import { type ApiAnswer, type ApiRequest, type Call, createCaller } from './caller.ts'
import { addressOf, type Contract } from './contract.ts'
import { type Credential, readCredential } from './credential.ts'
import { hidden, inspect } from './hide.ts'
import { resourcesOf } from './resources.ts'
import { createWire, type WireOptions } from './wire.ts'

export interface ClientOptions extends WireOptions {
  /** An API key or an access token; or a function that gives an access token, such as that of OAuthClient. */
  readonly apiKey: Credential
  /** Where the server is: "https://api.example.com". The base path may stand at its end, or not. */
  readonly baseUrl: string
}

export class ContractClient {
  readonly #call: Call
  readonly #shown: object

  /** @throws TypeError for options that can't work; the message names the option and never its secret */
  constructor(contract: Contract, options: ClientOptions) {
    const { apiKey, baseUrl } = options
    const credential = typeof apiKey === 'function' ? apiKey : readCredential('apiKey', apiKey)
    const address = addressOf(contract, baseUrl)
    this.#call = createCaller({ wire: createWire(options), contract, address, credential })
    this.#shown = { baseUrl: address, apiKey: hidden }
    Object.assign(this, resourcesOf(contract, this.#call))
  }

  /**
   * For what has no method of its own: a call with the client's credential, tries and errors.
   * A POST or PATCH is tried again only with an `idempotencyKey`.
   */
  request(request: ApiRequest): Promise<ApiAnswer> {
    return this.#call(request)
  }

  /** A client holds a secret: neither JSON nor `console.log` shows it. */
  toJSON(): object {
    return this.#shown
  }

  [inspect](): object {
    return { ...this.#shown, ...this }
  }
}
