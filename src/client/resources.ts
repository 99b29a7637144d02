// `client.bookings.list()`: a method for each operation of the contract.
import { at } from './answers.ts'
import type { Call, CallOptions } from './caller.ts'
import type { Contract, Operation } from './contract.ts'
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
        const { data, headers } = await call({ ...options, method, path, query: asked, body })
        return { body: data, link: headers['link'] }
      })
    }
    const { idempotencyKey = operation.sendsIdempotencyKey ? crypto.randomUUID() : undefined } = options
    return call({ ...options, method, path, query, body, idempotencyKey }).then(({ data }) =>
      itemIn(contract, data),
    )
  }
}

/** The thing that an answer is about, without its envelope. */
export function itemIn({ envelope, prefixes }: Contract, data: unknown): unknown {
  return hideOnInspect(at(data, envelope.item), [...prefixes.apiKey, ...prefixes.platformKey])
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
