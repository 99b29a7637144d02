// What PostgreSQL's own processes have used, where they run on this machine and it tells (/proc).
import { readFileSync } from 'node:fs'
import type { Db } from '../src/db/connect.ts'

/** Linux counts in these, whatever the kernel's own clock. */
const microsPerTick = 10_000

/** µs of CPU of each connection to this database by now, under its process id; of those whose names begin so. */
export type DatabaseCpu = (applicationName: string) => Promise<ReadonlyMap<number, number>>

/** null where the processes are out of sight. */
export async function databaseCpu(db: Db): Promise<DatabaseCpu | null> {
  const read: DatabaseCpu = async (applicationName) => {
    const { rows } = await db.raw<{ rows: { pid: number }[] }>(
      `select pid from pg_stat_activity where datname = current_database() and application_name like ?`,
      [`${applicationName}%`],
    )
    return new Map(rows.flatMap(({ pid }) => cpuOf(pid) ?? []))
  }
  return (await read('')).size > 0 ? read : null
}

/** Those that have come meanwhile have used all that they have used meanwhile. */
export function usedBetween(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  return [...after].reduce((sum, [pid, micros]) => sum + micros - (before.get(pid) ?? 0), 0)
}

function cpuOf(pid: number): [number, number][] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // What follows the name in parentheses begins with the third field; user and system time are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (!stat.includes('(postgres)')) return null
    return [[pid, (Number(fields[11]) + Number(fields[12])) * microsPerTick]]
  } catch {
    return null
  }
}
