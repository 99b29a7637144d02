// An OAuth app with nothing but Node: signs somebody in, calls the API, refreshes, calls again.
//   node examples/oauth-app.mjs CLIENT_ID [SERVER]
// The app must be registered with the redirect URI http://127.0.0.1/callback (any port is fine).
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'

const [clientId, server = 'http://localhost:3000'] = process.argv.slice(2)
if (!clientId) {
  console.error('Usage: node examples/oauth-app.mjs CLIENT_ID [SERVER]')
  process.exit(2)
}

const discovery = await fetch(`${server}/.well-known/oauth-authorization-server`)
const { issuer, authorization_endpoint, token_endpoint } = await discovery.json()

const callback = createServer().listen(0, '127.0.0.1')
await once(callback, 'listening')
const redirectUri = `http://127.0.0.1:${callback.address().port}/callback`

// PKCE: only who knows the verifier can use the code (RFC 7636).
const verifier = randomBytes(32).toString('base64url')
const state = randomBytes(16).toString('base64url')
const link = new URL(authorization_endpoint)
link.search = new URLSearchParams({
  response_type: 'code',
  client_id: clientId,
  redirect_uri: redirectUri,
  scope: 'read:bookings',
  state,
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
})
console.log(`Open this in a browser:\n\n  ${link}\n`)

const [request, response] = await once(callback, 'request')
const answer = new URL(request.url, redirectUri).searchParams
response.end('Thank you. You can close this window.')
callback.close()
if (answer.get('state') !== state || answer.get('iss') !== issuer)
  throw new Error('this answer is not to our question')
if (answer.has('error'))
  throw new Error(`refused: ${answer.get('error')} (${answer.get('error_description')})`)

let tokens = await post({
  grant_type: 'authorization_code',
  code: answer.get('code'),
  code_verifier: verifier,
  redirect_uri: redirectUri,
})
console.log(`Got tokens for "${tokens.scope}", good for ${tokens.expires_in} s.`)
await call()
// The old refresh token is spent with this: store the new one before anything else.
tokens = await post({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
console.log('Refreshed.')
await call()

async function post(parameters) {
  const body = new URLSearchParams({ ...parameters, client_id: clientId })
  const answered = await fetch(token_endpoint, { method: 'POST', body })
  const json = await answered.json()
  if (!answered.ok) throw new Error(`${json.error}: ${json.error_description}`)
  return json
}

async function call() {
  const answered = await fetch(`${server}/api/v1/bookings?limit=3`, {
    headers: { Authorization: `Bearer ${tokens.access_token}` },
  })
  const { data } = await answered.json()
  console.log(
    `GET /api/v1/bookings: ${answered.status}, first of them ${data[0]?.id} at ${data[0]?.starts_at}`,
  )
}
