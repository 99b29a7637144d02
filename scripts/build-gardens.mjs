// Compiles what is published to others: src/client to dist/client/esm and dist/client/cjs, with types for both, which is
// what `latchkey/client` is; and src/resource-server likewise.
//   node scripts/build-gardens.mjs [--if-possible]
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
const web = ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts']
const gardens = [
  // What browsers, Node.js, Deno and Bun have alike; nothing of Node.js alone.
  { name: 'client', node: '>=20.3', lib: web, types: [] },
  { name: 'resource-server', node: '>=20.3', lib: web, types: ['node'] },
].map((garden) => ({
  ...garden,
  sources: join(root, 'src', garden.name),
  target: join(root, 'dist', garden.name),
  lock: join(root, `dist/${garden.name}.lock`),
}))
/** Longer than any build takes: a lock that is older was left by a process that is gone. */
const longestBuild = 60_000

/** @returns whether all are built: false where that is not possible here */
export async function buildGardens() {
  const version = typescriptVersion()
  if (version === null || !gardens.every(({ sources }) => existsSync(sources))) return false
  for (const garden of gardens) await build(garden, stampOf(garden, version))
  return true
}

async function build(garden, stamp) {
  const { target, lock } = garden
  mkdirSync(dirname(target), { recursive: true })
  while (!isBuilt(target, stamp)) {
    if (!take(lock)) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      continue
    }
    try {
      if (!isBuilt(target, stamp)) replace((await import('typescript')).default, garden, stamp)
    } finally {
      rmSync(lock, { recursive: true, force: true })
    }
  }
}

/** Without loading it, which takes longer than all the rest where there is nothing to do; null where there is none. */
function typescriptVersion() {
  try {
    return createRequire(import.meta.url)('typescript/package.json').version
  } catch {
    return null
  }
}

const isBuilt = (target, stamp) =>
  existsSync(join(target, 'built')) && readFileSync(join(target, 'built'), 'utf8') === stamp

function stampOf({ sources }, version) {
  const hash = createHash('sha256')
    .update(version)
    .update(readFileSync(fileURLToPath(import.meta.url)))
  for (const file of filesOf(sources)) hash.update(`\0${file}\0`).update(readFileSync(file))
  return hash.digest('hex')
}

const filesOf = (sources) =>
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

function replace(ts, garden, stamp) {
  const { target } = garden
  const made = `${target}.${process.pid}`
  const old = `${target}.old.${process.pid}`
  try {
    compileModules(ts, garden, join(made, 'esm'))
    translateToCommonJs(ts, garden, join(made, 'esm'), join(made, 'cjs'))
    writeFileSync(join(made, 'package.json'), `${JSON.stringify(packageAlone(garden), null, 2)}\n`)
    writeFileSync(join(made, 'built'), stamp)
    if (existsSync(target)) renameSync(target, old)
    renameSync(made, target)
  } finally {
    for (const folder of [made, old]) rmSync(folder, { recursive: true, force: true })
  }
}

/** For `npm pack ./dist/client`: one of them under the package's name, without what the server needs. */
function packageAlone({ name: folder, node }) {
  const { name, version, ...whole } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const isOurs = ([key]) => key.replace('./', '').split('/')[0] === folder
  const here = (entries) =>
    JSON.parse(
      JSON.stringify(Object.fromEntries(Object.entries(entries).filter(isOurs))).replaceAll(
        `./dist/${folder}/`,
        './',
      ),
    )
  return {
    name,
    version,
    engines: { node },
    exports: here(whole.exports),
    // For `moduleResolution` "node10", which knows no exports and is what "module": "commonjs" means by default.
    typesVersions: { '*': here(whole.typesVersions['*']) },
    files: ['esm', 'cjs'],
  }
}

const common = (ts) => ({ target: ts.ScriptTarget.ES2022, rewriteRelativeImportExtensions: true })

function compileModules(ts, { sources, lib, types }, outDir) {
  const program = ts.createProgram(filesOf(sources), {
    ...common(ts),
    module: ts.ModuleKind.ES2022,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib,
    types,
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
function translateToCommonJs(ts, { sources }, modules, outDir) {
  for (const file of filesOf(sources)) {
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
  const areBuilt = await buildGardens()
  if (!areBuilt && !process.argv.includes('--if-possible')) {
    console.error('The client and the library need their sources and TypeScript to be built: npm install')
    process.exitCode = 1
  }
}
