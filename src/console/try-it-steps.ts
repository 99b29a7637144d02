// The steps of a try, from the code to its end: each is really done, and shown as one would type it, with what was
// answered. At the end nothing is left of it: the tokens are revoked.
import type { Try } from '../oauth/try-it.ts'
import type { OwnAnswer, OwnRequest } from '../web/own-requests.ts'
import { createProver } from './try-it-proof.ts'

export interface Step {
  readonly title: string
  readonly say: string
  /** As one would type it; null for what a browser does. */
  readonly command: string | null
  readonly answer: string | null
  /** False where the step did not do what it should. */
  readonly isGood: boolean
}

export interface TryRun {
  readonly publicUrl: string
  /** What a token is tried at: the path on this server. */
  readonly tryPath: string
  readonly redirectUri: string
  readonly begun: Try
  readonly code: string
  readonly issuer: string
  readonly requiresDpop: boolean
  readonly ask: (request: Omit<OwnRequest, 'address'>) => Promise<OwnAnswer>
}

export function authorizationAddress(publicUrl: string, redirectUri: string, begun: Try): string {
  const url = new URL('/oauth/authorize', publicUrl)
  const parameters = {
    response_type: 'code',
    client_id: begun.client,
    redirect_uri: redirectUri,
    scope: begun.scope,
    state: begun.state,
    code_challenge: begun.challenge,
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/** The next step's business ends where a step is not answered as it should be. */
export async function runTry(run: TryRun): Promise<readonly Step[]> {
  const { publicUrl, begun, code, issuer, redirectUri } = run
  const steps: Step[] = [
    {
      title: 'Ask the person',
      say: 'Your app makes a secret, the code verifier, keeps it, and opens this address in the person’s browser with its SHA-256 as the code challenge.',
      command: authorizationAddress(publicUrl, redirectUri, begun),
      answer: `code_verifier=${begun.verifier}\ncode_challenge=${begun.challenge}`,
      isGood: true,
    },
    {
      title: 'Receive the code',
      say: 'The browser came back to the redirect URI with these parameters. Your app checks that the state is the one that it sent, and that iss is this server.',
      command: null,
      answer: `code=${code}\nstate=${begun.state}\niss=${issuer}`,
      isGood: issuer === publicUrl,
    },
  ]
  const talk = createTalk(run)
  const answered = await talk.post(
    'Exchange the code for tokens',
    'The code is good once, for a minute, and only together with the verifier.',
    '/oauth/token',
    {
      grant_type: 'authorization_code',
      client_id: begun.client,
      code,
      code_verifier: begun.verifier,
      redirect_uri: redirectUri,
    },
  )
  const first = answered && readTokens(answered)
  if (!first) return [...steps, ...talk.steps]
  await talk.call('Call the API', 'The access token goes into the header of each request.', first.access, 200)
  const renewed = await talk.post(
    'Get a new access token',
    'Each refresh token is used once: keep the new one that comes with the answer.',
    '/oauth/token',
    { grant_type: 'refresh_token', client_id: begun.client, refresh_token: first.refresh },
  )
  const second = renewed && readTokens(renewed)
  if (!second) return [...steps, ...talk.steps]
  await talk.post(
    'Give the access back',
    'When somebody disconnects your app, revoke its token: everything that belongs to it ends at once.',
    '/oauth/revoke',
    { client_id: begun.client, token: second.refresh },
  )
  await talk.call(
    'See that it has ended',
    'From the next request on the token is refused.',
    second.access,
    401,
  )
  return [...steps, ...talk.steps]
}

/** Says and does: each request becomes a step, with its tokens partly hidden. */
function createTalk({ publicUrl, tryPath, ask, requiresDpop }: TryRun) {
  const steps: Step[] = []
  const secrets = new Set<string>()
  const prove = requiresDpop ? createProver() : null
  const proof = (method: string, url: string, token?: string): Record<string, string> =>
    prove ? { DPoP: prove({ method, url, token }) } : {}
  const note = (title: string, say: string, lines: readonly string[], answer: OwnAnswer, isGood: boolean) => {
    for (const token of tokensIn(answer.body)) secrets.add(token)
    const hide = (text: string) => [...secrets].reduce((shown, it) => shown.replaceAll(it, shorten(it)), text)
    steps.push({
      title,
      say,
      command: hide(lines.join(' \\\n  ')),
      answer: hide(writeAnswer(answer)),
      isGood,
    })
  }
  return {
    steps,
    /** The answer, when it is a good one; else null. */
    post: async (title: string, say: string, path: string, form: Readonly<Record<string, string>>) => {
      const headers = proof('POST', publicUrl + path)
      const answer = await ask({ method: 'POST', path, headers, form: new URLSearchParams(form) })
      const lines = [
        `curl -X POST ${publicUrl}${path}`,
        ...Object.keys(headers).map((name) => `-H '${name}: <a proof made for this request>'`),
        ...Object.entries(form).map(([name, value]) => `-d ${quote(`${name}=${value}`)}`),
      ]
      note(title, say, lines, answer, answer.status === 200)
      return answer.status === 200 ? answer : null
    },
    call: async (title: string, say: string, token: string, expected: number) => {
      const scheme = requiresDpop ? 'DPoP' : 'Bearer'
      const proofs = proof('GET', publicUrl + tryPath, token)
      const headers = { Authorization: `${scheme} ${token}`, ...proofs }
      const answer = await ask({ method: 'GET', path: tryPath, headers })
      const lines = [
        `curl ${publicUrl}${tryPath}`,
        `-H 'Authorization: ${scheme} ${token}'`,
        ...Object.keys(proofs).map((name) => `-H '${name}: <a proof made for this request>'`),
      ]
      note(title, say, lines, answer, answer.status === expected)
    },
  }
}

function readTokens({ body }: OwnAnswer): { readonly access: string; readonly refresh: string } | null {
  const tokens: { access_token?: string; refresh_token?: string } = JSON.parse(body)
  return tokens.access_token && tokens.refresh_token
    ? { access: tokens.access_token, refresh: tokens.refresh_token }
    : null
}

const tokensIn = (body: string) =>
  [...body.matchAll(/"(?:access|refresh)_token":"([^"]+)"/g)].flatMap(([, token]) => token ?? [])

/** Enough to tell one from another, and to open nothing. */
function shorten(token: string): string {
  return `${token.slice(0, 14)}…${token.slice(-4)}`
}

function writeAnswer({ status, statusText, headers, body }: OwnAnswer): string {
  const told = ['www-authenticate', 'content-type'].flatMap((name) => {
    const value = headers[name]
    return value === undefined ? [] : [`${name}: ${value}`]
  })
  return [`HTTP ${status} ${statusText}`, ...told, '', writeBody(body)].join('\n').trimEnd()
}

function writeBody(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}

/** For a shell: within single quotes everything is itself but the quote. */
function quote(text: string): string {
  return /^[\w.~:/=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
