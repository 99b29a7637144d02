// Where a page of a list begins that is sorted by time, as a text that callers pass on without looking into it.

/** After what was made at this time, under this id. */
export interface TimeCursor<Id extends string> {
  readonly createdAt: Date
  readonly id: Id
}

export function writeTimeCursor({ createdAt, id }: TimeCursor<string>): string {
  return Buffer.from(`${createdAt.getTime()}.${id}`).toString('base64url')
}

/** null for a text that `writeTimeCursor` did not give, or with an id of another kind. */
export function readTimeCursor<Id extends string>(
  text: string,
  isId: (text: string) => text is Id,
): TimeCursor<Id> | null {
  const [time = '', id = ''] = Buffer.from(text, 'base64url').toString('utf8').split('.')
  const createdAt = new Date(Number(time))
  if (!/^\d{1,15}$/.test(time) || !isId(id) || Number.isNaN(createdAt.getTime())) return null
  return writeTimeCursor({ createdAt, id }) === text ? { createdAt, id } : null
}
