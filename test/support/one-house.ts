// One house for all tests of a file, where none of them needs it for itself. No promises of its own.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { type House, startHouse } from './house.ts'

/** Opens before the file's first test, and closes after its last. */
export function oneHouse(): () => House {
  let house: House | null = null
  const ends: (() => Promise<void>)[] = []
  before(async () => {
    // startHouse takes what it needs of a test: to be told when it is over.
    const t = { after: (end: () => Promise<void>) => ends.unshift(end) }
    house = await startHouse(t as unknown as Parameters<typeof startHouse>[0])
  })
  after(async () => {
    for (const end of ends) await end()
  })
  return () => {
    assert.ok(house, 'no test has begun')
    return house
  }
}
