// One slice of load: keep-alive connections, and a look at every answer. Made by wrk where it is installed, since it
// leaves the server most of the machine; else by autocannon, which comes with the bench.
import { spawnSync } from 'node:child_process'
import { RunFailed } from './run-failed.ts'
import { sendByAutocannon } from './send-by-autocannon.ts'
import { sendByWrk } from './send-by-wrk.ts'
import type { Load } from './slice.ts'
import { placeholder, type Target } from './target.ts'

export type { Load } from './slice.ts'
export type { Target } from './target.ts'

export type Tool = 'wrk' | 'autocannon'

export interface LoadSettings {
  readonly seconds: number
  readonly connections: number
  readonly tool: Tool
}

const hasWrk = () => spawnSync('wrk', ['-v']).error === undefined

/** The tool that was asked for, or the best one there is. @throws RunFailed when the one asked for is missing */
export function chooseTool(asked?: Tool): Tool {
  if (asked === 'wrk' && !hasWrk()) throw new RunFailed('wrk is not installed.')
  return asked ?? (hasWrk() ? 'wrk' : 'autocannon')
}

/** @throws RunFailed for any answer but the expected one, or none */
export async function sendLoad(target: Target, settings: LoadSettings, signal: AbortSignal): Promise<Load> {
  signal.throwIfAborted()
  await askOnce(target, signal)
  const send = settings.tool === 'wrk' ? sendByWrk : sendByAutocannon
  const load = await send(target, settings, signal)
  signal.throwIfAborted()
  return load
}

/** What a generator does not look at: wrk not at the very status, none of them at the body. */
async function askOnce(target: Target, signal: AbortSignal): Promise<void> {
  const { url, method = 'GET', headers, body, status: expected = 200, values = [], mustSay = '' } = target
  const fill = (text: string) => text.replace(placeholder, values[0] ?? placeholder)
  const filled = Object.entries(headers).map(([name, text]): [string, string] => [name, fill(text)])
  const response = await fetch(url, {
    ...{ method, signal, redirect: 'manual', headers: filled },
    ...(body === undefined ? {} : { body: fill(body) }),
  })
  const text = await response.text()
  if (response.status !== expected || !text.includes(mustSay))
    throw new RunFailed(
      `${url} answered ${response.status}, not ${expected} ${mustSay}: ${text.slice(0, 300)}`,
    )
}
