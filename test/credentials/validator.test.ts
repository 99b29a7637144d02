import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiKeyPrincipal } from '../../src/core/principal.ts'
import { Problem } from '../../src/core/problems.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { createValidator } from '../../src/credentials/validator.ts'
import { sha256Text } from '../../src/lib/digest.ts'

const format = createFormat({
  api_key: { live: 'sk_live_', test: 'sk_test_' },
  access_token: { live: 'at_live_', test: 'at_test_' },
  refresh_token: 'rt_',
  authorization_code: 'ac_',
  platform_key: 'pk_',
  registration_token: 'rgt_',
  registration_access_token: 'rat_',
})
const noon = new Date('2026-11-27T12:00:00Z')
const secret = format.write('api_key', 'live').reveal()
const key = (expiresAt: Date | null): ApiKeyPrincipal => ({
  kind: 'api_key',
  organization: 'org_a',
  mode: 'live',
  scopes: new Set(),
  issuedAt: 1_700_000_000,
  expiresAt,
  key: 'key_a',
  allowedAddresses: ['192.0.2.0/24'],
})

function open(kept: ApiKeyPrincipal | undefined, found: ApiKeyPrincipal | null = null) {
  let lookUps = 0
  const validate = createValidator({
    format,
    shapes: { match: () => false },
    cache: {
      kept: (hash) => (hash === sha256Text(secret) ? kept : undefined),
      find: async () => {
        lookUps += 1
        return found
      },
    },
    clock: () => noon,
  })
  return { validate, lookUps: () => lookUps }
}

test('what can be refused without a look-up is answered at once, and nothing is thrown', () => {
  const { validate, lookUps } = open(key(null))
  const slip = `${secret.slice(0, -1)}${secret.endsWith('x') ? 'y' : 'x'}`
  const texts = ['', 'garbage', slip, 'x'.repeat(10_000), format.write('refresh_token', 'live').reveal()]
  for (const text of texts) {
    const answer = validate(text, '192.0.2.1', 'https://api.example.com')
    assert.ok(!(answer instanceof Promise) && answer.kind === 'refused', text.slice(0, 50))
    assert.equal(answer.problem.code, 'invalid_credential')
  }
  const outside = validate(secret, '198.51.100.1', 'https://api.example.com')
  assert.ok(!(outside instanceof Promise) && outside.kind === 'refused')
  assert.equal(outside.problem.code, 'address_not_allowed')
  assert.equal(lookUps(), 0)
})

test('of a refusal no trace is taken; of a fault of ours it is', () => {
  const refusal = open(undefined).validate('garbage', '192.0.2.1', 'https://api.example.com')
  assert.ok(!(refusal instanceof Promise) && refusal.kind === 'refused')
  assert.doesNotMatch(refusal.problem.stack ?? '', /\n\s+at /)
  assert.match(new Problem('internal_error').stack ?? '', /\n\s+at /)
})

test('a key that is kept and has expired is looked up: it may have been made good again, of which nobody tells', async () => {
  const past = new Date(noon.getTime() - 1000)
  const renewed = open(key(past), key(new Date(noon.getTime() + 1000)))
  const who = await renewed.validate(secret, '192.0.2.1', 'https://api.example.com')
  assert.equal(who.kind, 'api_key')
  const ended = open(key(past), key(past))
  const answer = await ended.validate(secret, '192.0.2.1', 'https://api.example.com')
  assert.ok(answer.kind === 'refused' && answer.problem.details.reason === 'expired')
})
