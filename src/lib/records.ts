// Records of a text that comes in pieces: lines, or comma-separated values (RFC 4180). Memory is bounded by the
// longest record, and one that can't be read costs nothing but itself.

/** A record, and the line that it begins on, counted from 1; null for one that can't be read. */
export interface NumberedRecord<Value> {
  readonly line: number
  readonly value: Value | null
}

export interface RecordReader<Value> {
  /** The records that end within what has come so far. */
  push(text: string): NumberedRecord<Value>[]
  /** The last one, where no line end follows it. */
  end(): NumberedRecord<Value>[]
}

/** In characters: what is longer is no record of anybody's. */
export const longestRecord = 65_536

/** Each line as it is, without its end. */
export function createLineReader(): RecordReader<string> {
  return createReader((text, at) => {
    const end = text.indexOf('\n', at)
    if (end < 0) return null
    return { next: end + 1, lines: 1, value: withoutReturn(text.slice(at, end)) }
  })
}

/** Each record as its cells. A quote that stands where none may, or is never closed, spoils one line. */
export function createCsvReader(): RecordReader<readonly string[]> {
  return createReader(readCsvRecord)
}

interface Step<Value> {
  readonly next: number
  readonly lines: number
  readonly value: Value | null
}

/** One record from a place on; null when its end is still to come. Every record ends with a line end. */
type ReadRecord<Value> = (text: string, at: number) => Step<Value> | null

function createReader<Value>(readRecord: ReadRecord<Value>): RecordReader<Value> {
  let rest = ''
  let line = 1
  let isTooLong = false // the beginning of the line has been thrown away
  let isFirst = true

  const read = (isEnd: boolean): NumberedRecord<Value>[] => {
    const records: NumberedRecord<Value>[] = []
    let at = 0
    const take = ({ next, lines, value }: Step<Value>) => {
      records.push({ line, value })
      line += lines
      at = next
    }
    while (at < rest.length) {
      const lineEnd = isTooLong ? rest.indexOf('\n', at) : -1
      if (isTooLong && lineEnd < 0) at = rest.length
      else if (isTooLong) {
        take({ next: lineEnd + 1, lines: 1, value: null })
        isTooLong = false
      } else {
        const step = readRecord(rest, at)
        if (step) take(step)
        else if (!isEnd && rest.length - at <= longestRecord) break
        // It has no end within reach: its first line is given up, and what follows is read anew.
        else if (rest.indexOf('\n', at) >= 0) take(brokenLine(rest, at))
        else isTooLong = true
      }
    }
    rest = rest.slice(at)
    return records
  }
  return {
    push: (text) => {
      rest += isFirst ? text.replace(/^\ufeff/, '') : text
      isFirst &&= text === ''
      return read(false)
    },
    end: () => {
      if (rest !== '' || isTooLong) rest += '\n'
      return read(true)
    },
  }
}

// A cell and what ends it.
const csvCell = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n)/y

function readCsvRecord(text: string, at: number): Step<readonly string[]> | null {
  const lineEnd = text.indexOf('\n', at)
  if (lineEnd < 0) return null
  const line = withoutReturn(text.slice(at, lineEnd))
  if (!line.includes('"')) return { next: lineEnd + 1, lines: 1, value: line.split(',') }
  const cells: string[] = []
  csvCell.lastIndex = at
  for (;;) {
    const start = csvCell.lastIndex
    const found = csvCell.exec(text)
    if (!found) return isOpen(text, start) ? null : brokenLine(text, at)
    const [, quoted, plain = '', end] = found
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end !== ',') break
  }
  const next = csvCell.lastIndex
  return { next, lines: text.slice(at, next).split('\n').length - 1, value: cells }
}

/** May a cell that can't be read yet be whole when more has come? */
function isOpen(text: string, start: number): boolean {
  const cell = /"[^"]*(?:""[^"]*)*("?)\r?|[^",\r\n]*\r?/y
  cell.lastIndex = start
  cell.exec(text)
  return cell.lastIndex === text.length
}

function brokenLine(text: string, at: number): Step<never> {
  return { next: text.indexOf('\n', at) + 1, lines: 1, value: null }
}

const withoutReturn = (line: string) => (line.endsWith('\r') ? line.slice(0, -1) : line)
