// The floor of a Koa application that looks a credential up: one named statement per request, by the SHA-256 of what
// was sent, on a pool of ten.
import { hash } from 'node:crypto'
import Koa from 'koa'
import pg from 'pg'
import './answer-cpu.ts'

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 })
const byHash = {
  name: 'credential-by-hash',
  text: `select kind, organization_id, mode, scopes, key_id, expires_at from credentials
    where hash = $1 and (expires_at is null or expires_at > now())`,
}

const app = new Koa()
app.use(async (ctx) => {
  const secret = ctx.get('Authorization').slice('Bearer '.length)
  if (secret === '') {
    ctx.body = { ready: true }
    return
  }
  const values = [Buffer.from(hash('sha256', secret, 'base64'), 'base64')]
  const { rows } = await pool.query({ ...byHash, values })
  const [row] = rows
  if (row)
    ctx.body = { kind: row.kind, organization: row.organization_id, mode: row.mode, scopes: row.scopes }
  else ctx.status = 401
})
app.listen(Number(process.env['PORT']), '127.0.0.1')
