// A kept connection that posts forms one after the other, with as little work of its own as can be: what the load
// generator uses, the servers on the same cores lack.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface FormAnswer {
  readonly status: number
  readonly text: string
}

export interface FormConnection {
  /** One at a time. */
  post(form: string): Promise<FormAnswer>
  close(): void
}

const answerWithinMs = 15_000

/** @throws what the connection ends with */
export async function openFormConnection(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<FormConnection> {
  const socket: Socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  socket.setTimeout(answerWithinMs, () => socket.destroy(new Error('no answer in 15 s')))
  await once(socket, 'connect')
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head =
    `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\n${lines.join('')}` +
    'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: '

  let received = ''
  let waiting: { resolve(answer: FormAnswer): void; reject(cause: unknown): void } | null = null
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    received += chunk
    const answer = readAnswer(received)
    if (!answer) return
    received = ''
    const { resolve } = waiting ?? {}
    waiting = null
    resolve?.(answer)
  })
  let ending: unknown = new Error('the server closed the connection')
  socket.on('error', (cause) => {
    ending = cause
  })
  socket.on('close', () => waiting?.reject(ending))
  return {
    post: (form) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(ending)
        waiting = { resolve, reject }
        socket.write(`${head}${form.length}\r\n\r\n${form}`)
      }),
    close: () => socket.destroy(),
  }
}

/** Null as long as some of it is missing. */
function readAnswer(text: string): FormAnswer | null {
  const split = text.indexOf('\r\n\r\n')
  if (split < 0) return null
  const head = text.slice(0, split)
  const rest = text.slice(split + 4)
  const status = Number(head.slice(9, 12))
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  if (length !== undefined) return rest.length < Number(length) ? null : { status, text: rest }
  if (!rest.endsWith('0\r\n\r\n')) return null
  return { status, text: joinChunks(rest) }
}

function joinChunks(text: string): string {
  let body = ''
  for (let at = 0; at < text.length; ) {
    const line = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, line), 16)
    if (!(size > 0)) break
    body += text.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
  return body
}
