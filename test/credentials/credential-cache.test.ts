import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiKeyPrincipal, Principal } from '../../src/core/principal.ts'
import { Problem } from '../../src/core/problems.ts'
import { createCredentialCache } from '../../src/credentials/credential-cache.ts'
import { type Change, leaseMs } from '../../src/db/changes.ts'
import { type DigestText, sha256Text } from '../../src/lib/digest.ts'

const principal = (name: string): ApiKeyPrincipal => ({
  kind: 'api_key',
  organization: 'org_a',
  mode: 'live',
  scopes: new Set(),
  issuedAt: 1_700_000_000,
  expiresAt: null,
  key: `key_${name}`,
  allowedAddresses: null,
})

/** A table that the test changes, and a voice that tells of it when the test says so. */
function surroundings(entries = 100) {
  const table = new Map<DigestText, Principal>()
  const asked: (readonly DigestText[])[] = []
  const listeners = new Set<(change: Change) => void>()
  const state = { isFresh: true, whileAsked: async () => {} }
  const cache = createCredentialCache({
    load: async (hashes) => {
      asked.push(hashes)
      const found = hashes.map((hash) => table.get(hash) ?? null)
      await state.whileAsked()
      return found
    },
    changes: {
      isFresh: () => state.isFresh,
      onChange: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    entries,
  })
  const add = (name: string) => {
    const hash = sha256Text(name)
    table.set(hash, principal(name))
    return hash
  }
  const tell = (change: Change) => {
    for (const listener of listeners) listener(change)
  }
  return { cache, table, asked, state, add, tell }
}

test('what one turn asks for is one look-up, each credential once; then it is known without one', async () => {
  const { cache, asked, add } = surroundings()
  const [ann, bob] = [add('ann'), add('bob')]
  const found = await Promise.all([cache.find(ann), cache.find(bob), cache.find(ann)])
  assert.deepEqual(
    found.map((who) => who?.kind === 'api_key' && who.key),
    ['key_ann', 'key_bob', 'key_ann'],
  )
  assert.deepEqual(asked, [[ann, bob]])
  assert.equal(cache.kept(ann), found[0])
  assert.equal(cache.size(), 2)
})

test('a revocation that is heard while the look-up is under way is found by another one, and nothing is kept', async () => {
  const { cache, table, asked, state, add, tell } = surroundings()
  const [ann, bob] = [add('ann'), add('bob')]
  state.whileAsked = async () => {
    state.whileAsked = async () => {}
    table.delete(ann)
    tell({ kind: 'credentials', hashes: [ann] })
  }
  const [first, second] = await Promise.all([cache.find(ann), cache.find(bob)])
  assert.equal(first, null)
  assert.ok(second)
  assert.deepEqual(asked, [[ann, bob], [ann]])
  assert.equal(cache.kept(ann), undefined)
  assert.equal(cache.kept(bob), second)
})

test('what is heard to have ended is looked up again; after a gap everything is', async () => {
  const { cache, add, tell } = surroundings()
  const [ann, bob] = [add('ann'), add('bob')]
  await Promise.all([cache.find(ann), cache.find(bob)])
  tell({ kind: 'credentials', hashes: [ann] })
  assert.equal(cache.kept(ann), undefined)
  assert.ok(cache.kept(bob))
  tell({ kind: 'gap' })
  assert.equal(cache.kept(bob), undefined)
})

test('an answer that a gap fell into is used, and not kept', async () => {
  const { cache, state, add, tell } = surroundings()
  const ann = add('ann')
  state.whileAsked = async () => tell({ kind: 'gap' })
  assert.ok(await cache.find(ann))
  assert.equal(cache.kept(ann), undefined)
})

test('without a fresh line nothing is taken from memory, and nothing put there', async () => {
  const { cache, state, add } = surroundings()
  const [ann, bob] = [add('ann'), add('bob')]
  await cache.find(ann)
  state.isFresh = false
  assert.equal(cache.kept(ann), undefined)
  assert.ok(await cache.find(bob))
  state.isFresh = true
  assert.ok(cache.kept(ann), 'it was heard of all that came meanwhile')
  assert.equal(cache.kept(bob), undefined)
})

test('unknown credentials take no place, however many come', async () => {
  const { cache, asked, add } = surroundings(2)
  const ann = add('ann')
  await cache.find(ann)
  await Promise.all(Array.from({ length: 2500 }, (_, at) => cache.find(sha256Text(`guess ${at}`))))
  assert.ok(cache.kept(ann))
  assert.equal(cache.size(), 1)
  assert.deepEqual(
    asked.map(({ length }) => length),
    [1, 1000, 1000, 500],
    'a thousand in one statement',
  )
})

test('no more is kept than was said, the one that was not used for longest goes; of 0 nothing is', async () => {
  const { cache, add } = surroundings(2)
  const [ann, bob, cy] = [add('ann'), add('bob'), add('cy')]
  await cache.find(ann)
  await cache.find(bob)
  assert.ok(cache.kept(ann))
  await cache.find(cy)
  assert.equal(cache.size(), 2)
  assert.ok(cache.kept(ann) && cache.kept(cy) && !cache.kept(bob))
  const none = surroundings(0)
  const dan = none.add('dan')
  assert.ok(await none.cache.find(dan))
  assert.equal(none.cache.kept(dan), undefined)
})

test('an answer that comes after the lease is over is asked for again; when all are late, nobody is let in', async (t) => {
  const { cache, asked, state, add } = surroundings()
  const ann = add('ann')
  let now = 0
  t.mock.method(performance, 'now', () => now)
  let late = 1
  state.whileAsked = async () => {
    if (late > 0) now += leaseMs + 1
    late -= 1
  }
  assert.ok(await cache.find(ann))
  assert.equal(asked.length, 2)
  late = Number.POSITIVE_INFINITY
  await assert.rejects(cache.find(add('bob')), (thrown) => thrown instanceof Problem && thrown.status === 503)
})

test('an answer that waited while the machine slept is asked for again: its other clock stood still', async (t) => {
  const { cache, asked, state, add } = surroundings()
  const ann = add('ann')
  let wall = 1_800_000_000_000
  t.mock.method(Date, 'now', () => wall)
  state.whileAsked = async () => {
    state.whileAsked = async () => {}
    wall += 3_600_000
  }
  assert.ok(await cache.find(ann))
  assert.equal(asked.length, 2)
})

test('a look-up that fails is told to all who waited for it, and is no end', async () => {
  const { cache, state, add } = surroundings()
  const ann = add('ann')
  state.whileAsked = () => Promise.reject(new Error('away'))
  for (const outcome of await Promise.allSettled([cache.find(ann), cache.find(ann)]))
    assert.ok(
      outcome.status === 'rejected' && outcome.reason instanceof Problem && outcome.reason.code === 'busy',
    )
  state.whileAsked = async () => {}
  assert.ok(await cache.find(ann))
})
