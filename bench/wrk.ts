// A slice of load by wrk (Debian has it as a package), which asks a third as much of the machine as autocannon does.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expectedStatus, type LoadSettings, type Target } from './load.ts'
import { RunFailed } from './run-failed.ts'

export interface WrkLoad {
  readonly requests: number
  readonly seconds: number
  readonly latencyMedianMs: number
  readonly latencyP99Ms: number
}

export async function hasWrk(): Promise<boolean> {
  // It has no option that would do nothing and say that it is there: any way of ending will do.
  return await promisify(execFile)('wrk', ['--version']).then(
    () => true,
    (failure: NodeJS.ErrnoException) => failure.code !== 'ENOENT',
  )
}

// The figures as one line of JSON: what wrk prints for people has units that change.
const script = `
local counts = {}
function setup(thread) table.insert(counts, thread) end
function init() wrong = 0; seen = 0 end
function response(status) if status ~= expected then wrong = wrong + 1; seen = status end end
function done(summary, latency)
  local wrong, seen = 0, 0
  for _, thread in ipairs(counts) do
    wrong = wrong + thread:get('wrong')
    if thread:get('seen') ~= 0 then seen = thread:get('seen') end
  end
  local e = summary.errors
  io.write(string.format('{"requests":%d,"micros":%d,"median":%d,"p99":%d,"wrong":%d,"seen":%d,"lost":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), wrong, seen,
    e.connect + e.read + e.write + e.timeout))
end
`

interface Told {
  readonly requests: number
  readonly micros: number
  readonly median: number
  readonly p99: number
  readonly wrong: number
  readonly seen: number
  readonly lost: number
}

/** @param seconds whole ones @throws RunFailed for any answer but the expected one, or none */
export async function sendLoadByWrk(
  target: Target,
  { seconds, connections }: LoadSettings,
  signal: AbortSignal,
): Promise<WrkLoad> {
  signal.throwIfAborted()
  const file = join(tmpdir(), `latchkey-bench-${process.pid}.lua`)
  const headers = Object.entries(target.headers).map(
    ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
  )
  const request = target.body === undefined ? [] : ['wrk.method = "POST"', `wrk.body = [[${target.body}]]`]
  const lines = [`expected = ${expectedStatus(target)}`, ...headers, ...request, script]
  await writeFile(file, lines.join('\n'), { mode: 0o600 }) // it holds a credential
  try {
    const args = ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, '-s', file, target.url]
    const child = spawn('wrk', args, { signal, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    await once(child, 'close')
    return read(text, target)
  } finally {
    await rm(file, { force: true })
  }
}

function read(text: string, target: Target): WrkLoad {
  const line = text.split('\n').find((it) => it.startsWith('{'))
  if (line === undefined) throw new RunFailed(`wrk told nothing of ${target.url}: ${text.slice(-500)}`)
  const told = JSON.parse(line) as Told // the script above wrote it
  if (told.wrong > 0 || told.lost > 0 || told.requests === 0) {
    throw new RunFailed(
      `${target.url}: ${told.wrong} answers other than ${expectedStatus(target)} (such as ${told.seen}), ${told.lost} without an answer, of ${told.requests}.`,
    )
  }
  return {
    requests: told.requests,
    seconds: told.micros / 1e6,
    latencyMedianMs: told.median / 1000,
    latencyP99Ms: told.p99 / 1000,
  }
}
