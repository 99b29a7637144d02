import assert from 'node:assert/strict'
import { test } from 'node:test'
import { obtainTokens } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { stopClock } from '../support/stopped-clock.ts'

const scope = 'read:bookings'

test('a limit per organization is one budget for all its credentials of a mode, keys and tokens alike', async (t) => {
  const house = await startHouse(t, {
    change: (profile) => ({
      ...profile,
      rateClasses: {
        default: { title: 'All', per: 'organization', windows: [{ requests: 6, seconds: 60 }] },
      },
    }),
  })
  const [acme, other] = [await house.organization('Acme'), await house.organization('Other')]
  await house.person('ann@acme.example', acme)
  const [one, two] = [await house.key(acme, 'test', [scope]), await house.key(acme, 'test', [scope])]
  const app = await house.app(acme, { mode: 'test' })
  const { access_token: token } = await obtainTokens(house.url, app, 'ann@acme.example', scope)
  stopClock(t)
  const ask = async (credential: string) => {
    const { status, headers } = await house.api('/bookings', credential)
    return [status, headers.get('ratelimit-limit'), headers.get('ratelimit-remaining')]
  }
  const told = []
  for (const credential of [one.secret, token, two.secret, token, one.secret, two.secret, token, one.secret])
    told.push(await ask(credential))
  assert.deepEqual(
    told,
    [5, 4, 3, 2, 1, 0]
      .map((left) => [200, '6', `${left}`])
      .concat([
        [429, '6', '0'],
        [429, '6', '0'],
      ]),
  )
  // What the other mode does is a matter of its own, and so are the neighbours.
  for (const [organization, mode] of [
    [acme, 'live'],
    [other, 'test'],
  ] as const) {
    const { secret } = await house.key(organization, mode, [scope])
    assert.deepEqual(await ask(secret), [200, '6', '5'])
  }
})
