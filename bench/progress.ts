// For a person who waits: one line on the terminal that changes, and is gone at the end.

export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

export function hideProgress(): void {
  showProgress('')
}
