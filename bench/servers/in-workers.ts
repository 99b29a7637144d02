// A floor in as many processes as WORKERS says, as Latchkey has them.
import cluster from 'node:cluster'

export function inWorkers(serve: () => void): void {
  const count = Number(process.env['WORKERS'] ?? 1)
  if (count === 1 || cluster.isWorker) serve()
  else for (let started = 0; started < count; started += 1) cluster.fork()
}
