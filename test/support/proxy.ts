// A proxy as a user runs it, from its example in the documentation: Latchkey on one side, a server that tells what it was
// sent on the other. And a client that sends bytes as they are. No promises of its own.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageRoot } from '../../src/lib/package-root.ts'
import type { Ending } from './database.ts'
import { blocksOf, type Heard, readAnswer } from './markdown-examples.ts'
import { freePort } from './port.ts'

/** What the server behind the proxy was sent. */
export interface Arrived {
  readonly method: string
  readonly url: string
  /** Every value of each header, by its name in small letters and "-" for "_", as CGI reads them. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: string
}

export interface Upstream {
  readonly port: number
  readonly arrived: Arrived[]
}

export type Program = 'nginx' | 'caddy'

/** How each says its version. */
const versions: Readonly<Record<Program, readonly string[]>> = { nginx: ['-v'], caddy: ['version'] }

/** Why a test with this program is skipped; false where it is there. */
export function skipWithout(program: Program): string | false {
  const { error } = spawnSync(program, versions[program])
  return error ? `${program} is not installed` : false
}

/** Answers 200 with what it was sent, as JSON. */
export async function startUpstream(t: Ending): Promise<Upstream> {
  const arrived: Arrived[] = []
  const server = createServer(async (req, res) => {
    const told = {
      method: req.method ?? '',
      url: req.url ?? '',
      headers: headersOf(req),
      body: await text(req),
    }
    arrived.push(told)
    const answer = Buffer.from(JSON.stringify(told))
    const headers = { 'Content-Type': 'application/json', 'Content-Length': answer.length }
    res.writeHead(200, headers).end(answer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, arrived } // it listens on a port, not on a socket
}

function headersOf({ rawHeaders }: IncomingMessage): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase().replaceAll('_', '-')
    headers[name] = [...(headers[name] ?? []), rawHeaders[at + 1] ?? '']
  }
  return headers
}

/** The example of docs/forward-auth.md in that language. */
export function documented(language: string): string {
  const page = readFileSync(join(packageRoot, 'docs/forward-auth.md'), 'utf8')
  const found = blocksOf(page).find((it) => it.language === language)
  assert.ok(found, `no example of ${language}`)
  return found.text
}

export interface Sides {
  /** What is asked at /verify. */
  readonly latchkey: number
  readonly upstream: number
}

/** Starts the program with the documented file, on a port of its own; the answer is that port. */
export async function startProxy(
  t: Ending,
  program: Program,
  { latchkey, upstream }: Sides,
  change: (file: string) => string = (it) => it,
): Promise<number> {
  const port = await freePort()
  const home = mkdtempSync(join(tmpdir(), `latchkey-${program}-`))
  const config = change(documented(program === 'nginx' ? 'nginx' : 'caddyfile'))
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${latchkey}`)
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${upstream}`)
    .replace('listen 8000', `listen 127.0.0.1:${port}`)
    .replace('http://:8000', `http://:${port}`)
    // What a package's own file says: where this one user may write.
    .replace(
      /^http \{/m,
      `http {\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((it) => `${it}_temp_path ${home}/${it};`).join('\n')}\naccess_log off;`,
    )
  const file = join(home, 'config')
  writeFileSync(file, config)
  const args =
    program === 'nginx'
      ? ['-p', home, '-c', file, '-e', 'stderr', '-g', `daemon off; master_process off; pid ${home}/pid;`]
      : ['run', '--config', file, '--adapter', 'caddyfile']
  const child = spawn(program, args, { env: { PATH: process.env['PATH'], HOME: home, XDG_DATA_HOME: home } })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (it) => (said += it))
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(home, { recursive: true, force: true })
  })
  for (const end = Date.now() + 30_000; !(await isOpen(port)); await sleep(20))
    assert.ok(child.exitCode === null && Date.now() < end, `${program} did not start:\n${said}`)
  return port
}

/** A Latchkey that hangs: it takes connections, and says nothing. */
export async function startSilent(t: Ending): Promise<number> {
  const server = createServer(() => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port // it listens on a port, not on a socket
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const answer = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return answer
}

/** Sends these lines and this body as they are; the answer, when the other side has closed. */
export async function sendRaw(port: number, lines: readonly string[], body = ''): Promise<Heard> {
  const socket = connect(port, '127.0.0.1')
  const host = lines.some((it) => /^host:/i.test(it)) ? [] : [`Host: localhost:${port}`]
  const close = lines.some((it) => /^connection:/i.test(it)) ? [] : ['Connection: close']
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const [first = '', ...rest] = lines
  socket.write([first, ...host, ...close, ...rest, ...length, '', body].join('\r\n'))
  return readAnswer(await text(socket))
}
