// What every server under test does for the bench: tells its CPU time when asked (its workers' too) and its memory,
// grows old when told, and ends with its parent.
import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

process.on('message', (asked) => {
  if (asked === 'cpu') void sumOfCpu().then((usage) => process.send?.(usage))
  if (asked === 'memory') process.send?.(memoryInUse())
  if (asked === 'age') void age().then(() => process.send?.(asked))
})
// Ended even when the bench was killed and could not say so.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// The channel alone must not keep a stopped server alive; a worker has its way to listen by it.
if (cluster.isPrimary) process.channel?.unref()

async function sumOfCpu(): Promise<NodeJS.CpuUsage> {
  const workers = cluster.isPrimary
    ? Object.values(cluster.workers ?? {}).filter((it) => it !== undefined)
    : []
  const all = [process.cpuUsage(), ...(await Promise.all(workers.map(cpuOf)))]
  return all.reduce((sum, it) => ({ user: sum.user + it.user, system: sum.system + it.system }))
}

/** A worker speaks of other things with its primary too. */
function cpuOf(worker: Worker): Promise<NodeJS.CpuUsage> {
  return new Promise((resolve) => {
    const hear = (said: unknown) => {
      if (typeof said !== 'object' || said === null || !('user' in said) || !('system' in said)) return
      worker.off('message', hear)
      resolve({ user: Number(said.user), system: Number(said.system) })
    }
    worker.on('message', hear)
    worker.send('cpu')
  })
}

const collections = 6
const pauseMs = 300

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

/** What is left of it when all that is garbage is gone. */
function memoryInUse(): NodeJS.MemoryUsage {
  const collect = collector()
  for (let done = 0; done < collections; done += 1) collect()
  return process.memoryUsage()
}

/** As hours with idle gaps do: full collections, with nothing going on between them. */
async function age(): Promise<void> {
  const collect = collector()
  for (let done = 0; done < collections; done += 1) {
    await sleep(pauseMs)
    collect()
  }
}
