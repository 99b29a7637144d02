// One slice of load by forms that each follow from the answer before: a refresh with the token that was just given, an
// exchange of the next code. Each connection finishes what it has begun, so that nothing is lost between slices.
import { type FormConnection, openFormConnection } from './form-connection.ts'
import type { LoadSettings } from './load.ts'
import { RunFailed } from './run-failed.ts'
import { type Load, loadOf } from './slice.ts'

export interface Forms {
  /** The next form of this connection, urlencoded; null when there are no more. */
  next(connection: number): string | null
  /** The answer to it. */
  take(connection: number, text: string): void
}

/** @throws RunFailed for any answer but 200 */
export async function sendForms(
  { port, path }: { readonly port: number; readonly path: string },
  forms: Forms,
  { seconds, connections }: LoadSettings,
  signal: AbortSignal,
): Promise<Load> {
  const opened = await Promise.all(Array.from({ length: connections }, () => openFormConnection(port, path)))
  const latenciesMs: number[] = []
  const cpu = process.cpuUsage()
  const began = performance.now()
  const end = began + seconds * 1000
  const work = async (connection: FormConnection, index: number) => {
    while (performance.now() < end) {
      signal.throwIfAborted()
      const form = forms.next(index)
      if (form === null) return
      const sentAt = performance.now()
      const { status, text } = await connection.post(form)
      if (status !== 200) throw new RunFailed(`${path} answered ${status} (${text}), not 200.`)
      latenciesMs.push(performance.now() - sentAt)
      forms.take(index, text)
    }
  }
  try {
    await Promise.all(opened.map(work))
  } finally {
    for (const connection of opened) connection.close()
  }
  const taken = (performance.now() - began) / 1000
  if (latenciesMs.length === 0) throw new RunFailed(`${path} did not answer in ${seconds} s.`)
  return loadOf(latenciesMs, taken, process.cpuUsage(cpu))
}
