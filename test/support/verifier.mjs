// A resource server as a process of its own, that can be stopped. It presents each credential that it is sent, over and
// over, and prints for each time when it asked and what became of it.
//   node verifier.mjs URL CLIENT_ID CLIENT_SECRET BOUND_MS   (credentials on standard input, one a line)
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createResourceServer } from '../../src/resource-server/entry.ts'

const [url, clientId, clientSecret, boundMs] = process.argv.slice(2)
const latchkey = createResourceServer({
  url,
  clientId,
  clientSecret,
  boundMs: Number(boundMs),
  onError: () => {},
})
const credentials = []
createInterface({ input: process.stdin })
  .on('line', (line) => credentials.push(line))
  .on('close', () => process.exit())
for (;;) {
  for (const [index, credential] of credentials.entries()) {
    const at = Date.now()
    const verdict = await latchkey.verify({
      method: 'GET',
      url: '/',
      headers: { authorization: `Bearer ${credential}` },
    })
    process.stdout.write(`${JSON.stringify({ index, at, ok: verdict.ok })}\n`)
  }
  await sleep(5)
}
