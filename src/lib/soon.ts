// Values that are there already, or will be: who has one at hand should not have to wait for it.

export type Soon<T> = T | Promise<T>
