// Who owns a cluster: at most one living process, a server or a command. A process asks by placing a file
// that only it can be the author of (pid and birth), and then looks whether others have. Since two who
// ask at once both see each other, never do both get it; and since nobody removes a living process's
// file, a dead one's can be removed at any time without a race.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { birthOf, isStillAlive } from './embedded-processes.ts'

export type Role = 'server' | 'command'

export interface Connection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

/** What an owner lets the others know. */
export type Note =
  | { readonly state: 'starting' | 'stopping' }
  | {
      readonly state: 'ready'
      readonly connection: Connection
      readonly version: string
      readonly directory: string
    }

/** `note` is null while the process only asks. */
export interface Owner {
  readonly role: Role
  readonly pid: number
  readonly note: Note | null
}

export interface Ownership {
  /** Tells the others; never fails, since an owner stays owner even when its file was taken from it. */
  tell(note: Note): Promise<void>
  release(): Promise<void>
}

export type Claim =
  | { readonly kind: 'mine'; readonly ownership: Ownership }
  | { readonly kind: 'taken'; readonly by: Owner }

/** Claims a cluster by its `directory` of owners: ours at once, or taken, by whom. Does not wait. */
export async function claimCluster(directory: string, role: Role): Promise<Claim> {
  const owner = await findOwner(directory, null)
  if (owner) return { kind: 'taken', by: owner }
  const name = `${role}-${process.pid}-${birthOf(process.pid)}`
  const file = join(directory, name)
  if (!(await place(file))) return claimCluster(directory, role)
  const rival = await findOwner(directory, name)
  if (rival) {
    await rm(file, { force: true })
    return { kind: 'taken', by: rival }
  }
  const ownership: Ownership = {
    tell: (note) => writeFile(file, JSON.stringify(note)).catch(() => {}),
    release: () => rm(file, { force: true }).catch(() => {}),
  }
  await ownership.tell({ state: 'starting' })
  return { kind: 'mine', ownership }
}

/** False when this very process has placed it before. */
async function place(file: string): Promise<boolean> {
  try {
    await writeFile(file, '', { flag: 'wx' })
    return true
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false
    throw cause
  }
}

async function findOwner(directory: string, except: string | null): Promise<Owner | null> {
  const owners: Owner[] = []
  for (const name of await readdir(directory)) {
    const [, role, pid, birth] = /^(server|command)-(\d+)-(.+)$/.exec(name) ?? []
    if (name === except || role === undefined || pid === undefined || birth === undefined) continue
    if (isStillAlive(Number(pid), birth)) {
      const note = await readNote(join(directory, name))
      owners.push({ role: role === 'server' ? 'server' : 'command', pid: Number(pid), note })
    } else {
      await rm(join(directory, name), { force: true })
    }
  }
  // Who holds it says more than who only asks, and a server more than a command.
  const rank = ({ role, note }: Owner) => (note ? 0 : 2) + (role === 'server' ? 0 : 1)
  return owners.sort((a, b) => rank(a) - rank(b))[0] ?? null
}

async function readNote(file: string): Promise<Note | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Note
  } catch {
    // Empty: it only asks. Half written or just gone: the next look will know.
    return null
  }
}
