// What stands under making a key: a Koa route that reads a small JSON body and writes one row by one named statement,
// from a pool of 10, into a table that is indexed as `api_keys` is. No credential, no check, no ledger.
import { createHash, randomBytes } from 'node:crypto'
import Koa from 'koa'
import pg from 'pg'
import './answer-cpu.ts'

// Given by the bench, which makes the table too.
const pool = new pg.Pool({ ...JSON.parse(process.env['BENCH_CONNECTION'] ?? '{}'), max: 10 })
const insert = {
  name: 'insert-one',
  text: `insert into bench_keys (id, organization_id, mode, name, scopes, prefix, last_four, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
}

const app = new Koa()
app.use(async (ctx) => {
  if (ctx.method !== 'POST') {
    ctx.body = { ready: true }
    return
  }
  let text = ''
  for await (const chunk of ctx.req) text += chunk
  // The bench's own body.
  const { name, scopes } = JSON.parse(text) as { name: string; scopes: string[] }
  const id = `key_${randomBytes(12).toString('hex')}`
  const secret = randomBytes(24).toString('base64url')
  const hash = createHash('sha256').update(secret).digest()
  const values = [id, 'org_bench', 'live', name, scopes, 'bench_', secret.slice(-4), hash]
  await pool.query({ ...insert, values })
  ctx.status = 201
  ctx.body = { id, name, scopes, secret }
})
app.listen(Number(process.env['PORT']), '127.0.0.1')
