// The stylesheet and the script, under names made of their content: a browser may keep them for good.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Middleware } from 'koa'
import { sha256 } from '../lib/digest.ts'

export interface Assets {
  /** File name to address. */
  readonly addresses: Readonly<Record<string, string>>
  readonly serve: Middleware
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

interface File {
  readonly type: string
  readonly body: Buffer
  /** Made when it is first asked for. */
  compressed?: Promise<Buffer>
}

/** A smaller one is not worth the work. */
const compressedFrom = 1024

export interface AssetParts {
  /** Files that lie elsewhere, by their paths. */
  readonly also?: readonly string[]
  /** What is put at the end of a file, by its name: a profile's color, at the end of the stylesheet. */
  readonly more?: Readonly<Record<string, string>>
}

/** Reads the folder once, at the start. */
export function loadAssets(folder: string, { also = [], more = {} }: AssetParts = {}): Assets {
  const addresses: Record<string, string> = {}
  const files = new Map<string, File>()
  for (const path of [...readdirSync(folder).map((name) => join(folder, name)), ...also]) {
    const name = basename(path)
    const ending = extname(name)
    const type = types[ending]
    if (!type) continue
    const body = Buffer.concat([readFileSync(path), Buffer.from(more[name] ?? '')])
    const digest = sha256(body.toString('utf8')).toString('hex').slice(0, 12)
    const address = `/assets/${name.slice(0, -ending.length)}.${digest}${ending}`
    addresses[name] = address
    files.set(address, { type, body })
  }
  const serve: Middleware = async (ctx, next) => {
    const file = files.get(ctx.path)
    if (!file || !['GET', 'HEAD'].includes(ctx.method)) return next()
    ctx.type = file.type
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable')
    ctx.set('X-Content-Type-Options', 'nosniff')
    ctx.vary('Accept-Encoding')
    if (file.body.length < compressedFrom || ctx.acceptsEncodings('gzip', 'identity') !== 'gzip') {
      ctx.body = file.body
      return
    }
    file.compressed ??= promisify(gzip)(file.body)
    ctx.set('Content-Encoding', 'gzip')
    ctx.body = await file.compressed
  }
  return { addresses, serve }
}
