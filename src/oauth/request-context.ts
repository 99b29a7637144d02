// What a request carries along through the engine, which knows nothing of it (AsyncLocalStorage). Node.js 20 and 22 make
// every promise and every socket of the process some 2 µs dearer from its first use on, for good: so it is switched off
// whenever no request is on its way through the engine.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Middleware } from 'koa'
import { engineContext } from './engine.ts'

const contexts: { disable(): void }[] = [engineContext]

/** A context of ours, that is switched off with the others. */
export function createRequestContext<T>(): AsyncLocalStorage<T> {
  const context = new AsyncLocalStorage<T>()
  contexts.push(context)
  return context
}

let onTheirWay = 0

/** Stands before everything that runs in such a context. */
export function switchContextsOff(): Middleware {
  return async (_ctx, next) => {
    onTheirWay += 1
    try {
      await next()
    } finally {
      onTheirWay -= 1
      if (onTheirWay === 0) for (const context of contexts) context.disable()
    }
  }
}
