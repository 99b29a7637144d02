// Load by wrk: one thread of C, a few µs per request. What to ask is a Lua script of this run's own. It tells statuses
// above 399 from the others, and no more.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { LoadSettings } from './load.ts'
import { RunFailed } from './run-failed.ts'
import type { Load } from './slice.ts'
import { placeholder, type Target } from './target.ts'

const saidSchema = z.object({
  requests: z.number(),
  micros: z.number(),
  median: z.number(),
  p99: z.number(),
  cpu: z.number(),
  /** Answers above 399. */
  refused: z.number(),
  broken: z.number(),
  timeouts: z.number(),
})

// os.clock is the CPU time of the whole process, its thread's too.
const done = `
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n@{"requests":%d,"micros":%d,"median":%d,"p99":%d,"cpu":%f,"refused":%d,"broken":%d,"timeouts":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), os.clock(),
    errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
`

/** Of all slices: the next one goes on where the last one ended. */
const begun = new WeakMap<Target, number>()

/**
 * wrk counts in whole seconds.
 * @throws RunFailed for any answer but the expected one, or none
 */
export async function sendByWrk(target: Target, settings: LoadSettings, signal: AbortSignal): Promise<Load> {
  const { url, status: expected = 200 } = target
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-wrk-'))
  try {
    const script = join(folder, 'ask.lua')
    await writeFile(script, await scriptOf(target, folder), { mode: 0o600 })
    const seconds = Math.max(1, Math.round(settings.seconds))
    const at = begun.get(target) ?? 0
    const length = ['-t1', `-c${settings.connections}`, `-d${seconds}s`, '--timeout', '5s']
    const said = await runWrk([...length, '-s', script, url, '--', String(at)], signal)
    begun.set(target, at + said.requests)
    const wrong = expected > 399 ? said.requests - said.refused : said.refused
    if (wrong > 0) throw new RunFailed(`${url}: ${wrong} answers were not ${expected}.`)
    if (said.broken + said.timeouts > 0 || said.requests === 0)
      throw new RunFailed(`${url}: ${said.broken} connections broke, ${said.timeouts} answers did not come.`)
    return {
      seconds: said.micros / 1e6,
      requests: said.requests,
      latencyMedianMs: said.median / 1000,
      latencyP99Ms: said.p99 / 1000,
      generatorShare: said.cpu / (said.micros / 1e6),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function scriptOf(target: Target, folder: string): Promise<string> {
  const { url, method = 'GET', headers, body = '', values, pauseMs } = target
  const ending = pauseMs === undefined ? done : `function delay() return ${pauseMs} end\n${done}`
  if (!values) {
    const set = Object.entries(headers).map(
      ([name, text]) => `wrk.headers[${quote(name)}] = ${quote(text)}\n`,
    )
    const what = body === '' ? '' : `wrk.body = ${quote(body)}\n`
    return `wrk.method = ${quote(method)}\n${set.join('')}${what}${ending}`
  }
  const file = join(folder, 'values')
  await writeFile(file, values.join('\n'), { mode: 0o600 })
  const [first = ''] = values
  const length = body === '' ? 0 : Buffer.byteLength(body.replace(placeholder, first))
  const { host, pathname, search } = new URL(url)
  const lines = [
    `${method} ${pathname}${search} HTTP/1.1`,
    `Host: ${host}`,
    ...Object.entries(headers).map(([name, text]) => `${name}: ${text}`),
    ...(body === '' ? [] : [`Content-Length: ${length}`]),
  ]
  const [before = '', after = ''] = `${lines.join('\r\n')}\r\n\r\n${body}`.split(placeholder)
  return `
local values = {}
for line in io.lines(${quote(file)}) do values[#values + 1] = line end
local before, after, at = ${quote(before)}, ${quote(after)}, 0
function init(args) at = tonumber(args[1]) or 0 end
function request()
  at = at + 1
  return before .. values[at % #values + 1] .. after
end
${ending}`
}

/** Lua's strings in quotation marks are JSON's, as long as all is ASCII. */
function quote(text: string): string {
  if (/[^\x20-\x7e\r\n]/.test(text)) throw new Error('only ASCII is asked')
  return JSON.stringify(text)
}

async function runWrk(args: string[], signal: AbortSignal): Promise<z.infer<typeof saidSchema>> {
  // Not in the terminal's group: at Ctrl-C it is stopped by us.
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const stop = () => child.kill('SIGKILL')
  signal.addEventListener('abort', stop)
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  await once(child, 'close')
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  const figures = /^@(.*)$/m.exec(text)?.[1]
  if (figures === undefined) throw new RunFailed(`wrk said nothing of use: ${text.trim().slice(-500)}`)
  return saidSchema.parse(JSON.parse(figures))
}
