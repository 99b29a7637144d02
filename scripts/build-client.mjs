// Compiles src/client to dist/client/esm and dist/client/cjs, with types for both: what `latchkey/client` is.
//   node scripts/build-client.mjs [--if-possible]
// `npm install` runs it (prepare), with --if-possible: an installation without TypeScript (npm ci --omit=dev), or without
// the sources, has no need of it. It does nothing where what is there is of these sources already, and may be run by
// several processes at once: the folder appears whole, or not at all.
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const sources = join(root, 'src/client')
const target = join(root, 'dist/client')
const lock = join(root, 'dist/client.lock')
/** Longer than any build takes: a lock that is older was left by a process that is gone. */
const longestBuild = 60_000

/** @returns whether it is built: false where that is not possible here */
export async function buildClient() {
  if (!existsSync(sources)) return false
  const version = typescriptVersion()
  if (version === null) return false
  const stamp = stampOf(version)
  mkdirSync(dirname(target), { recursive: true })
  while (!isBuilt(stamp)) {
    if (!take(lock)) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      continue
    }
    try {
      if (!isBuilt(stamp)) replace((await import('typescript')).default, stamp)
    } finally {
      rmSync(lock, { recursive: true, force: true })
    }
  }
  return true
}

/** Without loading it, which takes longer than all the rest where there is nothing to do; null where there is none. */
function typescriptVersion() {
  try {
    return createRequire(import.meta.url)('typescript/package.json').version
  } catch {
    return null
  }
}

const isBuilt = (stamp) =>
  existsSync(join(target, 'built')) && readFileSync(join(target, 'built'), 'utf8') === stamp

function stampOf(version) {
  const hash = createHash('sha256')
    .update(version)
    .update(readFileSync(fileURLToPath(import.meta.url)))
  for (const file of files()) hash.update(`\0${file}\0`).update(readFileSync(file))
  return hash.digest('hex')
}

const files = () =>
  readdirSync(sources, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(sources, name))
    .sort()

function take(folder) {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    const { mtimeMs = 0 } = statSync(folder, { throwIfNoEntry: false }) ?? {}
    if (mtimeMs > 0 && Date.now() - mtimeMs > longestBuild) rmSync(folder, { recursive: true, force: true })
    return false
  }
}

function replace(ts, stamp) {
  const made = `${target}.${process.pid}`
  const old = `${target}.old.${process.pid}`
  try {
    compileModules(ts, join(made, 'esm'))
    translateToCommonJs(ts, join(made, 'esm'), join(made, 'cjs'))
    writeFileSync(join(made, 'package.json'), `${JSON.stringify(packageAlone(), null, 2)}\n`)
    writeFileSync(join(made, 'built'), stamp)
    if (existsSync(target)) renameSync(target, old)
    renameSync(made, target)
  } finally {
    for (const folder of [made, old]) rmSync(folder, { recursive: true, force: true })
  }
}

/** For `npm pack ./dist/client`: the client under its own name, without what the server needs. */
function packageAlone() {
  const { name, version, ...whole } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const here = (value) => JSON.parse(JSON.stringify(value).replaceAll('./dist/client/', './'))
  return {
    name,
    version,
    engines: { node: '>=20.3' },
    exports: { './client': here(whole.exports['./client']) },
    // For `moduleResolution` "node10", which knows no exports and is what "module": "commonjs" means by default.
    typesVersions: here(whole.typesVersions),
    files: ['esm', 'cjs'],
  }
}

const common = (ts) => ({ target: ts.ScriptTarget.ES2022, rewriteRelativeImportExtensions: true })

function compileModules(ts, outDir) {
  const program = ts.createProgram(files(), {
    ...common(ts),
    module: ts.ModuleKind.ES2022,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    // What browsers, Node.js, Deno and Bun have alike; nothing of Node.js alone.
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    declaration: true,
    skipLibCheck: true,
    rootDir: sources,
    outDir,
  })
  const { diagnostics } = program.emit(undefined, (file, text) => {
    mkdirSync(dirname(file), { recursive: true })
    // In declarations the compiler leaves the names of the sources as they are.
    const isDeclaration = file.endsWith('.d.ts')
    writeFileSync(file, isDeclaration ? text.replace(/(['"]\.{1,2}\/[^'"]*)\.ts(?=['"])/g, '$1.js') : text)
  })
  const wrong = [...ts.getPreEmitDiagnostics(program), ...diagnostics]
  if (wrong.length > 0) {
    const host = { getCanonicalFileName: (it) => it, getCurrentDirectory: () => root, getNewLine: () => '\n' }
    throw new Error(ts.formatDiagnostics(wrong, host))
  }
  writeFileSync(join(outDir, 'package.json'), '{ "type": "module" }\n')
}

/** File by file: they have been checked, and the declarations are the same. */
function translateToCommonJs(ts, modules, outDir) {
  for (const file of files()) {
    const name = relative(sources, file).replace(/\.ts$/, '')
    const compilerOptions = { ...common(ts), module: ts.ModuleKind.CommonJS }
    const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), { compilerOptions, fileName: file })
    mkdirSync(dirname(join(outDir, name)), { recursive: true })
    writeFileSync(join(outDir, `${name}.js`), outputText)
    copyFileSync(join(modules, `${name}.d.ts`), join(outDir, `${name}.d.ts`))
  }
  writeFileSync(join(outDir, 'package.json'), '{ "type": "commonjs" }\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isBuilt = await buildClient()
  if (!isBuilt && !process.argv.includes('--if-possible')) {
    console.error('The client needs its sources and TypeScript to be built: npm install')
    process.exitCode = 1
  }
}
