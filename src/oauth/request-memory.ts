// What one request has found already: the engine looks for the same interaction and the same session several times
// on the way through one request, and each time would be a round trip to the database.
import type { Middleware } from 'koa'
import type { Adapter, AdapterPayload } from './engine.ts'
import { createRequestContext } from './request-context.ts'

/** How a thing is looked for. */
type Search = 'Interaction' | 'Session' | 'Session by uid'
type Memory = Map<string, AdapterPayload>

const memories = createRequestContext<Memory>()

/** For everything that asks the engine: what is found in a request is forgotten with it. */
export function rememberFinds(): Middleware {
  return (_ctx, next) => memories.run(new Map(), next)
}

/** Notes what was found by the way, where somebody in this request may look for it. */
export function remember(search: Search, key: string, payload: AdapterPayload): void {
  memories.getStore()?.set(`${search} ${key}`, payload)
}

/** The adapter, but for finds that this request has made before. Whatever is written is looked for anew. */
export function withMemory(name: string, adapter: Adapter): Adapter {
  if (name !== 'Interaction' && name !== 'Session') return adapter
  const find = async (search: Search, key: string, look: () => ReturnType<Adapter['find']>) => {
    const known = memories.getStore()?.get(`${search} ${key}`)
    const found = known ?? (await look())
    if (!found) return undefined
    remember(search, key, found)
    // The engine makes what it is given its own, and changes it.
    return structuredClone(found)
  }
  const write = async (work: () => ReturnType<Adapter['upsert']>) => {
    try {
      return await work()
    } finally {
      memories.getStore()?.clear()
    }
  }
  return {
    upsert: (id, payload, expiresIn) => write(() => adapter.upsert(id, payload, expiresIn)),
    find: (id) => find(name, id, () => adapter.find(id)),
    findByUid: (uid) => find('Session by uid', uid, () => adapter.findByUid(uid)),
    findByUserCode: (code) => adapter.findByUserCode(code),
    consume: (id) => write(() => adapter.consume(id)),
    destroy: (id) => write(() => adapter.destroy(id)),
    revokeByGrantId: (grantId) => adapter.revokeByGrantId(grantId),
  }
}
