// A primary whose workers can do nothing but end: run by the tests as a process.
import cluster from 'node:cluster'
import { createLog } from '../../src/core/telemetry.ts'
import { startWorkers } from '../../src/workers/primary.ts'
import { leave, refuse } from '../../src/workers/worker.ts'

if (cluster.isPrimary) {
  const workers = startWorkers(1, createLog('error'), () => 1)
  try {
    await Promise.race([workers.serving, workers.given])
  } catch (thrown) {
    console.log(thrown instanceof Error ? thrown.message : thrown)
    await workers.stop('SIGINT', 5000)
    process.exitCode = 1
  }
} else if (process.argv[2] === 'refuses') {
  await refuse('The port is taken.')
  leave()
} else {
  process.exitCode = 7
  leave()
}
