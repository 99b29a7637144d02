// What a statement that failed says of the database: that it is there, and did not want this one.

/** Whether PostgreSQL itself answered with an error, and not the way to it, or nobody: then nothing of it was done. */
export function isRefusedStatement(thrown: unknown): boolean {
  // Of the errors that the driver throws only the server's own have a severity.
  return thrown instanceof Error && 'severity' in thrown
}
