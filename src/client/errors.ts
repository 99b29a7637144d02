// What a call may fail with. No error holds a credential: not in its message, and not in what it carries.

/** The answer that an error tells of. */
export interface ErrorResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The answer's JSON, or its text where it is none. */
  readonly data: unknown
}

export interface ErrorDetails {
  readonly response?: ErrorResponse
  /** What a program branches on, such as "insufficient_scope"; as the API writes it. */
  readonly code?: string | undefined
  /** Quote it to support. */
  readonly requestId?: string | undefined
  /** The field that was wrong. */
  readonly param?: string | undefined
  /** In so many seconds another try makes sense. */
  readonly retryAfter?: number | undefined
  readonly cause?: unknown
}

/** A call that did not succeed. Its message is `${brand} API ${status}: ${what the API said}`. */
export class LatchkeyError extends Error {
  static {
    LatchkeyError.prototype.name = 'LatchkeyError'
  }
  /** undefined where there was no answer. */
  readonly status: number | undefined
  readonly response: ErrorResponse | undefined
  readonly code: string | undefined
  readonly requestId: string | undefined
  readonly param: string | undefined
  readonly retryAfter: number | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause })
    this.status = details.response?.status
    this.response = details.response
    this.code = details.code
    this.requestId = details.requestId
    this.param = details.param
    this.retryAfter = details.retryAfter
  }
}

/** There was no answer: the server could not be reached, or hung up. The reason is in `cause`. */
export class LatchkeyConnectionError extends LatchkeyError {
  static {
    LatchkeyConnectionError.prototype.name = 'LatchkeyConnectionError'
  }
}

/** There was no answer in time: within `timeout`, all tries together. */
export class LatchkeyTimeoutError extends LatchkeyConnectionError {
  static {
    LatchkeyTimeoutError.prototype.name = 'LatchkeyTimeoutError'
  }
}
