// `client.bookings.list()`: a method for each operation of the contract.
import { at } from './answers.ts'
import type { ApiAnswer, Call, CallOptions } from './caller.ts'
import type { Contract, Operation } from './contract.ts'
import { LatchkeyError } from './errors.ts'
import { hideOnInspect } from './hide.ts'
import { createListing, type Query } from './listing.ts'

type Method = (...given: unknown[]) => unknown

/** By resource, and those of none by their own name. */
export function resourcesOf(contract: Contract, call: Call): Record<string, Method | Record<string, Method>> {
  const made: Record<string, Method | Record<string, Method>> = {}
  for (const operation of contract.operations) {
    const { resource, name, isForPlatforms } = operation
    if (isForPlatforms) continue // see provision.ts
    const method = methodOf(contract, operation, call)
    if (resource === null) made[name] = method
    else made[resource] = { ...made[resource], [name]: method }
  }
  return made
}

/** (…parameters of the path, body or query where there is one, options) */
function methodOf(contract: Contract, operation: Operation, call: Call): Method {
  const { method, input, answer } = operation
  const places = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const optionsAt = places.length + (input === null ? 0 : 1)
  return (...given) => {
    const path = fillIn(operation, places, given)
    // Their types are those of the generated methods: these two are objects or left out.
    const options = (given[optionsAt] ?? {}) as CallOptions
    const written = input === null ? undefined : given[places.length]
    const query = input === 'query' ? ((written ?? {}) as Query) : {}
    const body = input === 'body' ? (written ?? {}) : undefined
    if (answer === 'list') {
      return createListing(contract, query, async (asked) => {
        const answer = await call({ ...options, method, path, query: asked, body })
        const { data, headers } = answer
        // As an empty list it would pass for "there is nothing".
        if (!Array.isArray(at(data, contract.envelope.items))) throw strange(contract, answer)
        return { body: data, link: headers['link'] }
      })
    }
    const { idempotencyKey = operation.sendsIdempotencyKey ? crypto.randomUUID() : undefined } = options
    return call({ ...options, method, path, query, body, idempotencyKey }).then((it) => itemIn(contract, it))
  }
}

/**
 * The thing that an answer is about, without its envelope; undefined for an answer without content.
 * @throws LatchkeyError for what is no JSON: it comes from something on the way, or is cut off
 */
export function itemIn(contract: Contract, answer: ApiAnswer): unknown {
  const { envelope, prefixes } = contract
  if (typeof answer.data === 'string') throw strange(contract, answer)
  return hideOnInspect(at(answer.data, envelope.item), [...prefixes.apiKey, ...prefixes.platformKey])
}

function strange({ brand, requestIdHeader }: Contract, response: ApiAnswer): LatchkeyError {
  const say =
    'The answer is not as this API writes it. Check baseUrl, and what is between here and the server.'
  const requestId = response.headers[requestIdHeader.toLowerCase()]
  return new LatchkeyError(`${brand} API ${response.status}: ${say}`, { response, requestId })
}

function fillIn({ path, resource, name }: Operation, places: readonly string[], given: unknown[]): string {
  return places.reduce((filled, place, index) => {
    const value = given[index]
    // An empty one, or a step upwards, would be another operation's address.
    if (typeof value !== 'string' || value === '' || /^\.{1,2}$/.test(value)) {
      const called = resource === null ? name : `${resource}.${name}`
      throw new TypeError(`${called}: ${place} must be a text that is not empty.`)
    }
    return filled.replace(`{${place}}`, () => encodeURIComponent(value))
  }, path)
}
