// CPU time that a database's connections cost PostgreSQL: of the processes behind them, where they run on this machine
// and it is a Linux. What writes the log and the files for all databases is not in it.
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import type { Cleanup } from './cleanup.ts'

/**
 * Gives what was used by now, in µs, or null where it can't be seen.
 * @param application whose connections: what their names begin with; all of the database's unless given
 */
export async function watchDatabaseCpu(
  url: string,
  { add }: Cleanup,
  application = '',
): Promise<() => Promise<number | null>> {
  const client = new pg.Client({ connectionString: url })
  // A database is dropped with its connections.
  client.on('error', () => {})
  await client.connect()
  add(() => client.end().catch(() => {}))
  // What a connection had used when it ended is kept.
  const used = new Map<number, number>()
  return async () => {
    const { rows } = await client.query<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and starts_with(application_name, $1)`,
      [application],
    )
    for (const { pid } of rows) {
      const micros = await cpuOf(pid)
      if (micros === null) return null
      used.set(pid, micros)
    }
    return [...used.values()].reduce((sum, micros) => sum + micros, 0)
  }
}

async function cpuOf(pid: number): Promise<number | null> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
  // Another machine's process may have the number of one of ours.
  if (!(await read('comm')).startsWith('postgres')) return null
  const [nanoseconds] = (await read('schedstat')).split(' ')
  return nanoseconds ? Number(nanoseconds) / 1000 : null
}
