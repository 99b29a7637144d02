// Values that are there already, or will be: who has one at hand should not have to wait for it.

export type Soon<T> = T | Promise<T>

/** What `next` makes of the value: at once where it is there. */
export function soon<T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
