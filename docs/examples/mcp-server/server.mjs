// An MCP server over Streamable HTTP that Latchkey protects.
//   CLIENT_ID=… CLIENT_SECRET=… node server.mjs
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createBookingsServer, scopesOfTools } from './bookings.mjs'
import { protect } from './protect.mjs'

const { LATCHKEY_URL = 'http://localhost:3000', PORT = '4000', CLIENT_ID, CLIENT_SECRET } = process.env
if (!CLIENT_ID || !CLIENT_SECRET) {
  console.error('CLIENT_ID and CLIENT_SECRET are what `latchkey resource-server create` answered.')
  process.exit(2)
}

const resource = `http://localhost:${PORT}/mcp`
const door = protect({
  latchkey: LATCHKEY_URL,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  resource,
  scopes: [...new Set(Object.values(scopesOfTools).flat())],
})

const server = createServer(async (req, res) => {
  try {
    // A page that has its own name point at this computer must not get in.
    if (req.headers.host !== `localhost:${PORT}`) res.writeHead(421).end()
    else if (req.url === door.metadataPath) sendJson(res, door.metadata)
    else if (req.url !== '/mcp') res.writeHead(404).end()
    else if (req.method !== 'POST') res.writeHead(405, { Allow: 'POST' }).end()
    else await answer(req, res)
  } catch (error) {
    console.error(error)
    if (!res.headersSent) res.writeHead(error instanceof SyntaxError ? 400 : 503).end()
  }
})

async function answer(req, res) {
  const auth = await door.authenticate(req, res, scopesOfTools.list_bookings)
  if (!auth) return
  const message = await json(req)
  if (!door.hasScopes(auth, res, scopesNeeded(message))) return
  req.auth = auth
  // Without sessions: each request has a server of its own, and any node can answer it.
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  res.on('close', () => transport.close())
  await createBookingsServer().connect(transport)
  await transport.handleRequest(req, res, message)
}

function scopesNeeded(message) {
  const calls = [message].flat().filter((it) => it?.method === 'tools/call')
  return calls.flatMap((it) => scopesOfTools[it.params?.name] ?? [])
}

function sendJson(res, body) {
  res.writeHead(200, { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' })
  res.end(JSON.stringify(body))
}

server.listen(Number(PORT), '127.0.0.1', () => console.log(`MCP server: ${resource}`))
