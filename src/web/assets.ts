// The stylesheet and the script, under names made of their content: a browser may keep them for good.
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
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

/**
 * Reads the folder once, at the start.
 * @param more what is put at the end of a file, by its name: a profile's color, at the end of the stylesheet
 */
export function loadAssets(folder: string, more: Readonly<Record<string, string>> = {}): Assets {
  const addresses: Record<string, string> = {}
  const files = new Map<string, { readonly type: string; readonly body: Buffer }>()
  for (const name of readdirSync(folder)) {
    const ending = extname(name)
    const type = types[ending]
    if (!type) continue
    const body = Buffer.concat([readFileSync(join(folder, name)), Buffer.from(more[name] ?? '')])
    const digest = sha256(body.toString('utf8')).toString('hex').slice(0, 12)
    const address = `/assets/${name.slice(0, -ending.length)}.${digest}${ending}`
    addresses[name] = address
    files.set(address, { type, body })
  }
  const serve: Middleware = (ctx, next) => {
    const file = files.get(ctx.path)
    if (!file || !['GET', 'HEAD'].includes(ctx.method)) return next()
    ctx.type = file.type
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable')
    ctx.set('X-Content-Type-Options', 'nosniff')
    ctx.body = file.body
    return undefined
  }
  return { addresses, serve }
}
