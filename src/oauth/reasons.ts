// What was the matter, in words that help an app's developers more than the engine's own.

/** For the requests that came with the winner of a race for one code. */
export const lostRace =
  'This authorization code was exchanged by a parallel request: send the token request once, and share its answer.'

const replayed =
  'This authorization code was exchanged before, so all that it gave has ended: it may have been stolen. Exchange a code once; when the answer is lost, send the person through the authorization again.'

const said: ReadonlyMap<string, string> = new Map([
  ['authorization code already consumed', replayed],
  ['authorization code spent by a parallel request', lostRace],
  [
    'DPoP proof JWT not provided',
    "The app's tokens are bound to a key: send a DPoP proof with the token request (RFC 9449).",
  ],
  [
    // The engine looks at the mode first, and works it out from the response type.
    'requested response_mode is not allowed for this client or request',
    'response_type must be code, and response_mode query or left out.',
  ],
])

/** The engine's private reason as a sentence; as it is where there is none. */
export function inOurWords(reason: string): string {
  return said.get(reason) ?? reason
}
