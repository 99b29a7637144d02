// What is said of a retired refresh token that comes back, by what is known (docs/decisions/011).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causeOfReuse, type Reuse } from '../../src/oauth/reuse-cause.ts'

const accessTokenSeconds = 3600
const at = (minutes: number) => new Date(Date.UTC(2026, 0, 1, 0, minutes))
const home = { address: '192.0.2.1', client: 'Calendar/1.0' }
const elsewhere = { address: '198.51.100.7', client: 'Calendar/1.0' }
const otherProgram = { address: '192.0.2.1', client: 'curl/8' }
const nobody = { address: null, client: null }

/** Born at 0:00, retired at 0:50 at home; its access token ends at 1:00. */
const base: Reuse = {
  createdAt: at(0),
  retiredAt: at(50),
  retiredBy: home,
  successorRetiredBy: null,
  lastUse: null,
  presentedBy: home,
}
const usedAt = (minutes: number, by = home) => ({ lastUse: { at: at(minutes), by } })

const table: readonly (readonly [string, Partial<Reuse>, string])[] = [
  ['nothing was ever used', {}, 'lost_response'],
  ['nor when it moved to another network', { presentedBy: elsewhere }, 'lost_response'],
  ['only the old access token was used, before', usedAt(40), 'lost_response'],
  ['a use that the old access token explains', usedAt(55), 'lost_response'],
  ['a use that it does not', usedAt(61), 'stale_client'],
  ['the same, presented by another program', { ...usedAt(61), presentedBy: otherProgram }, 'reuse'],
  ['the same, presented from elsewhere', { ...usedAt(61), presentedBy: elsewhere }, 'reuse'],
  [
    'a use by somebody else while the old one was good',
    { ...usedAt(55, elsewhere), presentedBy: otherProgram },
    'reuse',
  ],
  ['the successor was rotated at home', { successorRetiredBy: home }, 'stale_client'],
  ['the successor was rotated on the way', { successorRetiredBy: elsewhere }, 'stale_client'],
  [
    'presented by who rotated the successor',
    { successorRetiredBy: elsewhere, presentedBy: elsewhere },
    'stale_client',
  ],
  ['presented by a third', { successorRetiredBy: elsewhere, presentedBy: otherProgram }, 'reuse'],
  [
    'who is unknown is nobody in particular',
    { retiredBy: nobody, successorRetiredBy: nobody, presentedBy: nobody },
    'reuse',
  ],
]

for (const [name, known, cause] of table) {
  test(`${cause}: ${name}`, () => {
    assert.equal(causeOfReuse({ ...base, ...known }, accessTokenSeconds), cause)
  })
}
