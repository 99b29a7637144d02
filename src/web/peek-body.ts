// A body that is looked at and left in its place: whoever comes after finds the request unread.
import type { IncomingMessage } from 'node:http'

/**
 * The body as UTF-8, which stays to be read again; null when the request ends before `length` bytes have come.
 * @param length what its Content-Length says; nobody has begun to read it
 */
export function peekText(req: IncomingMessage, length: number): Promise<string | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const settle = (text: string | null) => {
      req.off('data', take)
      req.off('close', giveUp)
      resolve(text)
    }
    const giveUp = () => settle(null)
    const take = (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes < length) return
      const body = chunks.length === 1 ? chunk : Buffer.concat(chunks)
      // Put back in the turn that took the last of it: before the end has been told, which it is not until it is read.
      req.pause()
      req.unshift(body)
      settle(body.toString('utf8'))
    }
    req.on('data', take)
    req.on('close', giveUp)
  })
}
