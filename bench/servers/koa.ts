// The floor of a Koa application: one middleware, one small JSON body.
import Koa from 'koa'
import './answer-cpu.ts'
import { inWorkers } from './in-workers.ts'

const app = new Koa()
app.use((ctx) => {
  ctx.body = { hello: 'world' }
})
inWorkers(() => app.listen(Number(process.env['PORT']), '127.0.0.1'))
