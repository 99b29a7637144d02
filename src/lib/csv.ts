// Comma-separated values (RFC 4180), as spreadsheets open them.

/**
 * One record with its line end. A cell that a spreadsheet would take for a formula gets an apostrophe in front,
 * which spreadsheets show as text: whoever may choose a name must not make another's computer calculate.
 */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(text: string): string {
  const safe = /^\s*[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
