// Rows as one text, for the statements of the hot path: pg takes a microsecond or two for each row, and as much again
// for each few columns of it, which is more than PostgreSQL takes to find it.

export interface PackedRows {
  /** For a `select` list: all rows of the statement as one text, null for none. */
  readonly sql: string
  /** Of each row its columns, '' for null. @throws Error for a text that is not of these columns */
  read(text: string | null): string[][]
}

// In no text that we keep: ids, names of scopes, addresses. With one of them a row has too many columns, and is refused.
const betweenColumns = '\x1f'
const betweenRows = '\x1e'

/** @param columns expressions of SQL, of a type that PostgreSQL writes as text */
export function packedRows(columns: readonly string[]): PackedRows {
  const texts = columns.map((column) => `coalesce((${column})::text, '')`)
  return {
    sql: `string_agg(concat_ws(E'\\x1f', ${texts.join(', ')}), E'\\x1e')`,
    read: (text) => {
      if (text === null) return []
      const rows: string[][] = []
      for (const row of text.split(betweenRows)) {
        const values = row.split(betweenColumns)
        if (values.length !== columns.length) throw new Error(`a row of ${values.length} columns`)
        rows.push(values)
      }
      return rows
    },
  }
}
