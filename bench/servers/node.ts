// The floor of Node.js: the same body and headers as the bare Koa, without Koa.
import { createServer } from 'node:http'
import './answer-cpu.ts'

createServer((_request, response) => {
  const body = JSON.stringify({ hello: 'world' })
  const type = 'application/json; charset=utf-8'
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }).end(body)
}).listen(Number(process.env['PORT']), '127.0.0.1')
