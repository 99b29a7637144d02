// A worker, towards its primary: the channel between them, and being told to stop.
import cluster from 'node:cluster'
import { isOurs, type StopSignal, type ToPrimary } from './messages.ts'
import type { Channel } from './siblings.ts'

/** The variable by which a primary of ours tells a worker which one it is, from 1. */
export const workerVariable = 'LATCHKEY_WORKER'

/** Which worker of a primary of ours this process is, from 1; null for none: others may have forked us too. */
export function workerPlace(env: Readonly<Record<string, string | undefined>>): number | null {
  const text = env[workerVariable]
  return cluster.isWorker && text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : null
}

/** A primary that ends, in whatever way, ends this process with it: node:cluster sees to that. */
export const channel: Channel = {
  send: (message) => void process.send?.(message, undefined, undefined, () => {}),
  onMessage: (listener) => void process.on('message', listener),
}

/**
 * Calls back when this worker is to stop: told by the primary, or by SIGTERM to this process alone, after which the
 * primary starts another. A Ctrl-C of the terminal comes to the primary too, which passes it on.
 */
export function onStop(stop: (signal: StopSignal) => void): void {
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => stop('SIGTERM'))
  channel.onMessage((message) => {
    if (isOurs(message) && message.latchkey === 'stop') stop(message.signal)
  })
}

/** Tells the primary why this worker can't start. Resolves when it is on its way. */
export function refuse(why: string): Promise<void> {
  const message: ToPrimary = { latchkey: 'refused', why }
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()))
}

/** Lets go of the primary, so that this process can end. */
export function leave(): void {
  cluster.worker?.disconnect()
}
