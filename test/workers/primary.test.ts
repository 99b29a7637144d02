// Workers that do not come to serve.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pauseBefore } from '../../src/workers/primary.ts'

function runCrew(what: string) {
  const crew = fileURLToPath(new URL('crew.ts', import.meta.url))
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', crew, what], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  const lines = stdout.trim().split('\n')
  const isLogged = (line: string) => line.startsWith('{')
  return { status, said: lines.filter((line) => !isLogged(line)), logged: lines.filter(isLogged) }
}

test('what one can not start for is said once, by the primary, and none is started again', () => {
  assert.deepEqual(runCrew('refuses'), { status: 1, said: ['The port is taken.'], logged: [] })
})

test('one that ends at its start again and again is given up, with all of them', () => {
  const { status, said, logged } = runCrew('ends')
  assert.equal(status, 1)
  assert.deepEqual(said, ['A worker ended at its start 8 times in a row: exit code 7'])
  assert.ok(logged.length === 8, `${logged.length} lines`)
  for (const line of logged) assert.match(line, /"exitCode":7.*"msg":"a worker has ended"/)
})

test('the pauses grow, up to ten seconds', () => {
  assert.deepEqual([0, 1, 2, 3, 7, 8, 60].map(pauseBefore), [0, 100, 200, 400, 6400, 10_000, 10_000])
})
