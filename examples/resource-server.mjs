// An API beside Latchkey that takes the same API keys and access tokens, with nothing but Node.
//   npx latchkey resource-server create --name "Reports API"
//   CLIENT_ID=rs_… CLIENT_SECRET=… node examples/resource-server.mjs [LATCHKEY]
//   curl -H "Authorization: Bearer $KEY" http://127.0.0.1:4000/reports
import { createServer } from 'node:http'
import { createResourceServer } from 'latchkey/resource-server'

const [url = 'http://localhost:3000'] = process.argv.slice(2)
const { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, PORT: port = '4000' } = process.env
if (!clientId || !clientSecret) {
  console.error('Set CLIENT_ID and CLIENT_SECRET: npx latchkey resource-server create --name "Reports API"')
  process.exit(2)
}

const latchkey = createResourceServer({ url, clientId, clientSecret })

const routes = {
  'GET /reports': { scopes: ['read:bookings'], answer: () => ({ reports: [] }) },
  'POST /reports': { scopes: ['read:bookings', 'write:bookings'], answer: () => ({ ordered: true }) },
}

const server = createServer(async (req, res) => {
  const send = (status, body, headers = {}) =>
    res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(`${JSON.stringify(body)}\n`)
  const operation = `${req.method} ${req.url?.split('?')[0]}`
  const route = Object.hasOwn(routes, operation) ? routes[operation] : undefined
  const verdict = await latchkey.verify(req, { scopes: route?.scopes ?? [], ...(route ? { operation } : {}) })
  if (!verdict.ok) return send(verdict.status, verdict.body, verdict.headers)
  if (!route) return send(404, { error: { code: 'not_found' } })
  const { kind, organization, mode } = verdict
  return send(200, { for: { kind, organization, mode }, ...route.answer() })
})
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`Reports API on http://127.0.0.1:${server.address().port}/reports, protected by ${url}`)
})
