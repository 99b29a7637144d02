// What can go wrong between an app and the authorization server.

/** An error answer of OAuth (RFC 6749 sections 4.1.2.1 and 5.2), or a reason not to trust an answer. */
export class OAuthError extends Error {
  static {
    OAuthError.prototype.name = 'OAuthError'
  }
  /** As the server says it ("access_denied", "invalid_grant"), or ours: "state_mismatch", "issuer_mismatch", … */
  readonly code: string
  /** Of the HTTP answer; undefined for what came by way of the browser. */
  readonly status: number | undefined

  constructor(code: string, message: string, status?: number) {
    super(`OAuth ${code}: ${message}`)
    this.code = code
    this.status = status
  }
}

/** The app has no access (any more): send the person to `authorizationUrl()`, to allow it again. */
export class AuthorizationNeededError extends OAuthError {
  static {
    AuthorizationNeededError.prototype.name = 'AuthorizationNeededError'
  }
}
