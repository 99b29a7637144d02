// The example of docs/resource-servers.md, and examples/resource-server.mjs, as they are written.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { packageRoot } from '../../src/lib/package-root.ts'
import { createProject } from '../support/built-client.ts'
import { writeExamples } from '../support/doc-examples.ts'
import { startHouse } from '../support/house.ts'
import { resourceServer } from '../support/introspection.ts'
import { freePort } from '../support/port.ts'

/** Runs a server of an example until it answers. */
async function run(
  t: TestContext,
  file: string,
  args: string[],
  env: Record<string, string>,
): Promise<string> {
  const port = String(await freePort())
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env['PATH'], PORT: port, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.after(async () => {
    child.kill()
    await once(child, 'close')
  })
  const url = `http://127.0.0.1:${port}/reports`
  while (!(await fetch(url).catch(() => null))) assert.equal(child.exitCode, null, 'it has ended')
  return url
}

test('the examples of a resource server run', async (t) => {
  const folder = await createProject(t)
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const { secret } = await house.key(organization, 'live', ['read:bookings'])
  const { id, secret: clientSecret } = await resourceServer(house)
  const env = { CLIENT_ID: id, CLIENT_SECRET: clientSecret }
  const headers = { Authorization: `Bearer ${secret}` }

  await t.test('docs/resource-servers.md', async (t) => {
    writeExamples('docs/resource-servers.md', folder, house.url)
    const url = await run(t, join(folder, 'server.mjs'), [], env)
    assert.equal(await (await fetch(url, { headers })).text(), `Reports of ${organization.id}, live\n`)
    const refused = await fetch(url)
    assert.deepEqual([refused.status, refused.headers.get('www-authenticate')], [401, 'Bearer realm="API"'])
  })

  await t.test('examples/resource-server.mjs', async (t) => {
    const url = await run(t, join(packageRoot, 'examples/resource-server.mjs'), [house.url], env)
    const read = await fetch(url, { headers })
    assert.deepEqual(await read.json(), {
      for: { kind: 'api_key', organization: organization.id, mode: 'live' },
      reports: [],
    })
    assert.equal((await fetch(url, { method: 'POST', headers })).status, 403)
    assert.equal((await fetch(url)).status, 401)
  })
})
