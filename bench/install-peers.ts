// The peers have a package file of their own, so that nobody who installs Latchkey gets them: they come at the first
// run of the benchmark that asks them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { packageRoot } from '../src/lib/package-root.ts'
import { showProgress } from './progress.ts'
import { RunFailed } from './run-failed.ts'

const folder = join(packageRoot, 'bench', 'peers')
const manifestSchema = z.object({ dependencies: z.record(z.string(), z.string()) })

/** Installs what is missing or not as the lock file says. @throws RunFailed when npm can't */
export async function installPeers(signal: AbortSignal): Promise<void> {
  const modified = (...path: string[]) =>
    stat(join(folder, ...path)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    )
  // npm writes it at the end of an installation.
  const installed = await modified('node_modules', '.package-lock.json')
  if (installed > (await modified('package-lock.json'))) return
  showProgress('installing the peers')
  // npm passes on what it was told itself: one that was told to be silent would not say what is wrong.
  const args = ['ci', '--prefix', folder, '--ignore-scripts', '--no-progress', '--loglevel=error']
  args.push('--fetch-retries=1')
  const npm = spawn('npm', args, { stdio: ['ignore', 'ignore', 'pipe'], signal })
  let said = ''
  npm.stderr.setEncoding('utf8').on('data', (part: string) => {
    said = (said + part).slice(-2000)
  })
  const [code] = await once(npm, 'close').catch((cause: unknown) => {
    signal.throwIfAborted()
    throw new RunFailed(`npm could not be run: ${cause}`)
  })
  if (code !== 0) throw new RunFailed(`npm ci --prefix bench/peers failed: ${said.trim()}`)
}

/** The versions that are compared, by package. */
export async function readVersions(): Promise<Record<string, string>> {
  const read = async (path: string) => manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  const peers = (await read(join(folder, 'package.json'))).dependencies
  const own = (await read(join(packageRoot, 'package.json'))).dependencies
  const engine = own['oidc-provider']
  return { ...peers, ...(engine ? { 'oidc-provider': engine } : {}) }
}
