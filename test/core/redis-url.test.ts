// REDIS_URL: what its client would end the process on is refused before it sees it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../src/core/config.ts'

const good = [
  ...['redis://cache', 'redis://127.0.0.1:6379/', 'redis://cache:6379/15', 'redis://[::1]:6379'],
  ...['rediss://user:p%40ss@cache:6380/2'],
]
const bad = [
  ...['cache:6379', 'http://cache:6379', 'redis://cache/production', 'redis://cache:6379/1/2'],
  ...['redis://cache?db=one', 'redis://:100%@cache', 'redis://u%ser:secret@cache'],
]

for (const REDIS_URL of good)
  test(`${REDIS_URL} is taken`, () => {
    assert.equal(loadConfig({ REDIS_URL }).redisUrl?.reveal(), REDIS_URL)
  })

for (const REDIS_URL of bad)
  test(`${REDIS_URL} stops the start, and is not shown`, () => {
    assert.throws(() => loadConfig({ REDIS_URL }), /REDIS_URL is \(not shown\), but must be redis:\/\/host/)
  })
