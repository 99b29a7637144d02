import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { makeHome, runCommand } from '../support/server-process.ts'

const nouns = {
  org: ['create', 'list'],
  person: ['create', 'reset-password'],
  key: ['create', 'list', 'revoke'],
  app: ['create', 'list', 'delete'],
  grant: ['list', 'revoke'],
  audit: ['verify', 'export'],
}
/** Of the verbs, which are made alike, one of each kind: they cost most of a second each. */
const commands: readonly (readonly string[])[] = [
  [],
  ['serve'],
  ['doctor'],
  ...Object.keys(nouns).map((noun) => [noun]),
  ['key', 'create'],
  ['person', 'reset-password'],
]

/** Two at a time: there is a core for each. */
async function inPairs<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item)
  }
  await Promise.all([work(), work()])
}

test('--help helps everywhere, with exit code 0', async (t) => {
  const home = await makeHome(t)
  await inPairs(commands, async (command) => {
    // Help needs no settings: bad ones must not be in its way.
    const { code, stdout, stderr } = await runCommand(home, [...command, '--help'], { PORT: 'none' })
    assert.equal(code, 0, command.join(' '))
    assert.ok(stdout.startsWith(`Usage: ${['latchkey', ...command].join(' ')} `), stdout)
    assert.equal(stderr, '')
    const verbs = Object.entries(nouns).find(([noun]) => noun === command.join(' '))?.[1] ?? []
    for (const verb of verbs) assert.match(stdout, new RegExp(`^ {2}${verb} `, 'm'))
    if (command.length === 2) assert.match(stdout, /^ {2}--json /m)
  })
  assert.deepEqual(await readdir(home), [])
})

test('wrong use is told on standard error, with exit code 2, and touches nothing', async (t) => {
  const home = await makeHome(t)
  const key = ['key', 'create', '--org', 'acme', '--scope', 'read:bookings']
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^Usage: latchkey /],
    [['org'], /^Usage: latchkey org /],
    [['brew'], /^error: unknown command 'brew'/],
    [['key', 'create', '--mode', 'test', '--scope', 'read:bookings'], /^error: required option '--org /],
    [[...key, '--mode', 'demo'], /^error: .*'demo' is invalid\. It must be live or test\./],
    [
      [...key, '--mode', 'test', '--expires-in', 'soon'],
      /^error: .*'soon' is invalid\. It must be a number of /,
    ],
    [['person', 'create', 'a@example.com', '--role', 'OWNER'], /^error: .*It must be ADMIN or MEMBER\./],
    [['person', 'create'], /^error: missing required argument 'email'/],
    [['org', 'list', 'all'], /^error: too many arguments/],
  ]
  await inPairs(wrong, async ([args, expected]) => {
    const { code, stdout, stderr } = await runCommand(home, args)
    assert.equal(code, 2, args.join(' '))
    assert.match(stderr, expected)
    assert.equal(stdout, '')
  })
  assert.deepEqual(await readdir(home), [])
})
