// The sources as the structure tests read them: parsed, so that a comment or a string is never mistaken for
// code, and what each file imports.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import ts from 'typescript'
import { packageRoot } from '../../src/lib/package-root.ts'

export interface Source {
  /** From the package's root: src/keys/key.ts */
  readonly file: string
  readonly tree: ts.SourceFile
}

export interface Import {
  readonly from: string
  readonly line: number
  /** A file of ours, as `from`; or a library as it is written; null when the name is computed. */
  readonly to: string | null
  /** Gone when the program runs: it orders the rooms, but can't make a cycle that matters. */
  readonly isTypeOnly: boolean
}

export function readSources(folder: string): Source[] {
  return readdirSync(join(packageRoot, folder), { recursive: true })
    .map((name) => posix.join(folder, String(name).replaceAll(sep, '/')))
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => parseSource(file, readFileSync(join(packageRoot, file), 'utf8')))
}

export function parseSource(file: string, text: string): Source {
  return { file, tree: ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true) }
}

/** Every node below `node`, in the order of the text. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => {
    children.push(child)
  })
  for (const child of children) {
    yield child
    yield* nodesOf(child)
  }
}

/** Where a node stands, as a person looks it up: src/keys/key.ts:12 */
export function placeOf({ file, tree }: Source, node: ts.Node): string {
  return `${file}:${lineOf(tree, node)}`
}

export function importsOf(source: Source): Import[] {
  const { file, tree } = source
  return [...nodesOf(tree)].flatMap((node) => {
    const found = importOf(node)
    return found ? [{ from: file, line: lineOf(tree, node), to: resolve(file, found.name), ...found.as }] : []
  })
}

function importOf(node: ts.Node): { name: string | null; as: { isTypeOnly: boolean } } | null {
  if (ts.isImportDeclaration(node)) {
    // `import { type A }` is no type-only import: with verbatimModuleSyntax the module is still loaded.
    const isTypeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
    return { name: textOf(node.moduleSpecifier), as: { isTypeOnly } }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return { name: textOf(node.moduleSpecifier), as: { isTypeOnly: node.isTypeOnly } }
  }
  if (ts.isImportTypeNode(node)) {
    const name = ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : null
    return { name, as: { isTypeOnly: true } }
  }
  if (ts.isCallExpression(node) && loadsModule(node.expression)) {
    return { name: textOf(node.arguments[0]), as: { isTypeOnly: false } }
  }
  return null
}

function loadsModule(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

function textOf(node: ts.Node | undefined): string | null {
  return node && ts.isStringLiteralLike(node) ? node.text : null
}

function resolve(from: string, name: string | null): string | null {
  return name?.startsWith('.') ? posix.join(posix.dirname(from), name) : name
}

function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}
