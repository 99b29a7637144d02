// Lines of the log that are written together: a call to the system costs more than the line.

export interface Lines {
  write(line: string): void
  /** @param line of ASCII alone, whatever else is in it comes out as something else */
  writeAscii(line: string): void
}

/** What takes the bytes. They are its own from then on. */
export interface ByteSink {
  write(bytes: Buffer): unknown
  /** The same when the process ends: they are written when it returns, as far as anybody takes them. */
  writeLast(bytes: Buffer): void
}

/** So long may a line wait for others, in ms, and so many bytes of them together. */
const longestWaitMs = 10
const mostWaiting = 64 * 1024

/**
 * Lines of some milliseconds, written together. They are bytes from the start: thousands of texts that wait would be
 * carried along by each of V8's collections. A process that is killed loses those that still wait.
 */
export function gatheredLines(sink: ByteSink): Lines {
  let bytes = Buffer.allocUnsafeSlow(mostWaiting)
  let begin = 0
  let end = 0

  const flush = () => {
    if (begin === end) return
    sink.write(bytes.subarray(begin, end))
    begin = end
  }
  const makeRoom = (length: number) => {
    if (begin === end) setTimeout(flush, longestWaitMs)
    if (end + length <= bytes.length) return
    flush()
    bytes = Buffer.allocUnsafeSlow(Math.max(mostWaiting, length))
    begin = 0
    end = 0
  }
  process.on('exit', () => {
    if (begin < end) sink.writeLast(bytes.subarray(begin, end))
    begin = end
  })
  return {
    write: (line) => {
      makeRoom(Buffer.byteLength(line))
      end += bytes.write(line, end, 'utf8')
    },
    writeAscii: (line) => {
      makeRoom(line.length)
      end += bytes.write(line, end, 'latin1')
    },
  }
}
