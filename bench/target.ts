// What is asked of a server under test.

export interface Target {
  readonly url: string
  readonly method?: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** What every answer has to be; 200 unless said. */
  readonly status?: number
  /** What the answer has to contain; looked at once before each slice. */
  readonly mustSay?: string
  /** Each connection waits for so long between an answer and its next request. */
  readonly pauseMs?: number
  /** Each request has the next of them in the place of `{}`, in its headers or body; all of one length. */
  readonly values?: readonly string[]
}

/** What to put a target's values in the place of. */
export const placeholder = '{}'
