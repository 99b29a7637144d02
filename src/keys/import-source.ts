// The file of an import as its lines: a JSON object per line, or CSV with the fields' names in its first line.
import { Problem } from '../core/problems.ts'
import { createCsvReader, createLineReader, type NumberedRecord } from '../lib/records.ts'
import { BadLine, type ImportField, type ImportFields, importFields, isImportField } from './import-line.ts'

export const importFormats = ['ndjson', 'csv'] as const
export type ImportFormat = (typeof importFormats)[number]

export interface SourceLine {
  /** Its number in the file, counted from 1. */
  readonly line: number
  /** @throws BadLine */
  readonly read: () => ImportFields
}

/**
 * The lines as they come, those of one piece at a time; blank ones are left out.
 * @throws Problem invalid_parameter for a first line of a CSV that does not name the fields
 */
export async function* readSource(
  text: AsyncIterable<string>,
  format: ImportFormat,
): AsyncGenerator<readonly SourceLine[]> {
  const reader = format === 'csv' ? createCsvSource() : createNdjsonSource()
  for await (const piece of text) yield reader.push(piece)
  yield reader.end()
}

function createNdjsonSource() {
  const reader = createLineReader()
  const toLines = (records: readonly NumberedRecord<string>[]): SourceLine[] =>
    records
      .filter(({ value }) => value === null || value.trim() !== '')
      .map(({ line, value }) => ({ line, read: () => readJsonObject(value) }))
  return { push: (text: string) => toLines(reader.push(text)), end: () => toLines(reader.end()) }
}

function readJsonObject(text: string | null): ImportFields {
  if (text === null) throw new BadLine('It is too long to be one.')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new BadLine('It is not valid JSON.') // JSON.parse's own message repeats the text
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadLine('It is no JSON object.')
  if (!Object.keys(value).every(isImportField))
    throw new BadLine(`It has a field that is not known. There are: ${importFields.join(', ')}.`)
  return value
}

function createCsvSource() {
  const reader = createCsvReader()
  let names: readonly ImportField[] | null = null
  const toLines = (records: readonly NumberedRecord<readonly string[]>[]): SourceLine[] =>
    records.flatMap(({ line, value }) => {
      if (value?.every((cell) => cell.trim() === '') && value.length === 1) return []
      if (names === null) {
        names = readHead(value)
        return []
      }
      const head = names
      return [{ line, read: () => readCells(head, value) }]
    })
  return { push: (text: string) => toLines(reader.push(text)), end: () => toLines(reader.end()) }
}

function readHead(cells: readonly string[] | null): readonly ImportField[] {
  const names = (cells ?? []).map((cell, at) => {
    const name = cell.trim().toLowerCase()
    // What stands there is not repeated: in a file without a first line of names it is a secret.
    if (!isImportField(name))
      throw wrongHead(`Column ${at + 1} of its first line is none of: ${importFields.join(', ')}.`)
    return name
  })
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice) throw wrongHead(`Its first line names ${twice} twice.`)
  if (!names.includes('secret') && !names.includes('hash'))
    throw wrongHead('Its first line names neither secret nor hash.')
  return names
}

const wrongHead = (say: string) =>
  new Problem('invalid_parameter', { say: `The first line of a CSV file must name its columns. ${say}` })

function readCells(names: readonly ImportField[], cells: readonly string[] | null): ImportFields {
  if (cells === null)
    throw new BadLine('It is too long, or a quote in it stands where none may or is never closed.')
  if (cells.length !== names.length)
    throw new BadLine(`It has ${cells.length} cells, and the first line ${names.length}.`)
  return Object.fromEntries(names.map((name, at) => [name, cells[at]]))
}
