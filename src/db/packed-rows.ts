// Rows as one value, for the statements of the hot path: pg makes an object of each row, column by column, which takes
// longer than PostgreSQL needs to find it.

/** A row's columns in their order, as texts. */
export type PackedRow = readonly (string | null)[]

export interface PackedRows {
  /** For a `select` list: all rows of the statement as one text, null for none. */
  readonly sql: string
  read(text: string | null): readonly PackedRow[]
}

/** @param columns expressions of SQL */
export function packedRows(columns: readonly string[]): PackedRows {
  const texts = columns.map((column) => `(${column})::text`)
  return {
    sql: `array_to_json(array_agg(array[${texts.join(', ')}]))::text`,
    // PostgreSQL has written it by the statement above.
    read: (text) => (text === null ? [] : (JSON.parse(text) as PackedRow[])),
  }
}
