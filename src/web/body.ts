// Bodies of requests, read whole and small.
import type { IncomingMessage } from 'node:http'
import { Problem } from '../core/problems.ts'

const usualMaxBytes = 56 * 1024
/** How many arrays and objects may stand one inside of the other: what looks into all of them calls itself as often. */
const deepestJson = 32

/** The body as UTF-8. @throws Problem body_too_large beyond 56 KiB, or what is said */
export async function readText(req: IncomingMessage, maxBytes: number = usualMaxBytes): Promise<string> {
  return (await readBytes(req, maxBytes)).toString('utf8')
}

/**
 * @param discarded so many bytes are read, though not kept, before who sends too much is told
 * @throws Problem body_too_large beyond `most` bytes, request_aborted
 */
export function readBytes(req: IncomingMessage, most: number, discarded = most): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = []
    let bytes = 0
    const stop = () => {
      req.off('data', hear).off('end', end).off('error', abort).off('close', abort)
    }
    const hear = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= most) chunks.push(chunk)
      else chunks = []
      if (bytes <= discarded) return
      stop()
      // What else comes is thrown away as it comes.
      req.resume()
      reject(new Problem('body_too_large'))
    }
    const end = () => {
      stop()
      if (bytes > most) reject(new Problem('body_too_large'))
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
    }
    const abort = (cause?: unknown) => {
      stop()
      reject(new Problem('request_aborted', { cause }))
    }
    if (req.readableEnded || req.destroyed) {
      abort()
      return
    }
    req.on('data', hear).on('end', end).on('error', abort).on('close', abort)
  })
}

/**
 * JSON that can be kept: nested at most 32 deep, and of whole characters alone (RFC 7493 section 2.1).
 * @throws Problem unsupported_content_type, malformed_json, body_too_large
 */
export async function readJson(req: IncomingMessage, maxBytes: number = usualMaxBytes): Promise<unknown> {
  if (!/^application\/json\s*(;|$)/i.test(req.headers['content-type'] ?? ''))
    throw new Problem('unsupported_content_type')
  const text = await readText(req, maxBytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Problem('malformed_json')
  }
  refuseUnkeepable(value, 0)
  return value
}

function refuseUnkeepable(value: unknown, depth: number): void {
  if (typeof value === 'string' && /\p{Cs}/u.test(value)) {
    // Half of a surrogate pair: the database would refuse it, or keep something else.
    throw new Problem('malformed_json', { say: 'The request body has half of a character in it.' })
  }
  if (typeof value !== 'object' || value === null) return
  if (depth >= deepestJson) {
    throw new Problem('malformed_json', { say: `The request body is nested more than ${deepestJson} deep.` })
  }
  for (const [name, part] of Object.entries(value)) {
    refuseUnkeepable(name, depth)
    refuseUnkeepable(part, depth + 1)
  }
}

/** The fields of a form as a browser posts it. @throws Problem unsupported_content_type, body_too_large */
export async function readForm(req: IncomingMessage): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(req.headers['content-type'] ?? '')) {
    throw new Problem('unsupported_content_type', { say: 'Send the form as a browser does.' })
  }
  return new URLSearchParams(await readText(req))
}
