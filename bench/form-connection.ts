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

/** @throws what the connection ends with; answers must have a Content-Length, as all that are measured here do */
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
    const bodyAt = received.indexOf('\r\n\r\n') + 4
    if (bodyAt < 4) return
    const length = /\r\ncontent-length: (\d+)/i.exec(received)?.[1]
    if (length === undefined) return void socket.destroy(new Error('an answer without a Content-Length'))
    if (received.length < bodyAt + Number(length)) return
    const answer = { status: Number(received.slice(9, 12)), text: received.slice(bodyAt) }
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
