// A form with a file in it, as a browser posts it (RFC 7578).
import type { IncomingMessage } from 'node:http'
import { Problem } from '../core/problems.ts'
import { readBytes } from './body.ts'

export interface Upload {
  /** Everything but the files. */
  readonly fields: URLSearchParams
  /** By the name of their fields; a field in which nothing was chosen is an empty file. */
  readonly files: ReadonlyMap<string, Buffer>
}

/** What stands around the file: boundaries, heads, the form's own fields. */
const aroundBytes = 16 * 1024
/** A browser shows the answer when it has sent the whole form: so much that is too much is read, and thrown away. */
const mostDiscarded = 24 * 1024 * 1024

/**
 * @param mostBytes of the file
 * @throws Problem unsupported_content_type, body_too_large, form_refused for a body that is no such form
 */
export async function readUpload(req: IncomingMessage, mostBytes: number): Promise<Upload> {
  const type = req.headers['content-type'] ?? ''
  if (!/^multipart\/form-data\s*;/i.test(type))
    throw new Problem('unsupported_content_type', { say: 'Send the form as a browser does.' })
  const body = await readBytes(req, mostBytes + aroundBytes, mostDiscarded)
  const form = await parse(body, type)
  const fields = new URLSearchParams()
  const files = new Map<string, Buffer>()
  for (const [name, value] of form) {
    if (typeof value === 'string') fields.append(name, value)
    else files.set(name, Buffer.from(await value.arrayBuffer()))
  }
  return { fields, files }
}

async function parse(body: Buffer, type: string): Promise<FormData> {
  try {
    return await new Response(body, { headers: { 'content-type': type } }).formData()
  } catch (cause) {
    throw new Problem('form_refused', { reason: 'no multipart form', cause })
  }
}
