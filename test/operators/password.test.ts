// U2: hashes of passwords take their turn, and leave the rest of the server its cores.
import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { Problem } from '../../src/core/problems.ts'
import { createLog } from '../../src/core/telemetry.ts'
import { createTurnstile } from '../../src/limits/turnstile.ts'
import { passwordTries, signInRateClasses, tryOnce } from '../../src/operators/throttle.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const queue = 32

test('U2: of 200 sign-ins at once a queue is served, the rest is told to come back, and the API answers', async (t) => {
  const house = await startHouse(t, { env: { TRUST_PROXY: '1' } })
  const { secret } = await house.key(await house.organization('Acme'), 'test', ['read:bookings'])
  const browser = new PersonBrowser(house.url)
  const { html } = await browser.open('/sign-in')
  const token = /form_token" value="([^"]+)"/.exec(html)?.[1] ?? ''
  let underWay = 200
  const signIns = Array.from({ length: 200 }, async (_, index) => {
    const response = await browser.request('/sign-in', {
      method: 'POST',
      body: new URLSearchParams({ email: `p${index}@acme.example`, password: 'a guess', form_token: token }),
      headers: { 'X-Forwarded-For': `192.0.2.${index}` },
    })
    await response.text()
    underWay -= 1
    return response
  })
  await Promise.race(signIns) // the queue is full, and hashes are being made
  for (let call = 0; call < 5; call += 1) assert.equal((await house.api('/me', secret)).status, 200)
  assert.ok(underWay > 0, 'the API did not wait for the hashes')

  const answers = await Promise.all(signIns)
  const served = answers.filter(({ status }) => status === 422)
  const refused = answers.filter(({ status }) => status === 503)
  assert.equal(served.length + refused.length, 200)
  assert.ok(served.length >= queue, `${served.length} were served`)
  assert.ok(refused.length >= 100, `${refused.length} were refused`)
  for (const { headers } of refused) assert.match(headers.get('retry-after') ?? '', /^\d+$/)
  assert.ok(availableParallelism() === 1 || served.length < 200 - queue)
})

test('U2, U4: a try that was never looked at, since the server was busy, does not count', async (t) => {
  const turnstile = createTurnstile(signInRateClasses, {
    redisUrl: null,
    shared: null,
    log: createLog('silent'),
  })
  t.after(() => turnstile.close())
  const tries = passwordTries('192.0.2.1', 'ann@acme.example')
  const busy = () => Promise.reject(new Problem('busy'))
  for (let time = 0; time < 60; time += 1) {
    await assert.rejects(tryOnce(turnstile, tries, busy), { code: 'busy' })
  }
  for (let time = 0; time < 10; time += 1) {
    assert.equal(await tryOnce(turnstile, tries, async () => null), null)
  }
  await assert.rejects(
    tryOnce(turnstile, tries, async () => true),
    { code: 'rate_limit_exceeded' },
  )
})
