// Asking a stranger's server for something small, at an address that a stranger gave us (SECURITY U10, D5, D6):
// whom we connect to is decided by the address that the name stands for, before any packet is sent to it.
import { Resolver } from 'node:dns/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from './public-address.ts'
import { createQueue } from './queue.ts'

export interface Wanted {
  /** What is asked for (RFC 9110 section 12.5.1). */
  readonly accept: string
  /** Of the body; more of it is refused. */
  readonly mostBytes: number
  /** What the answer's type must be, without its parameters. */
  readonly type: RegExp
}

export interface Fetched {
  readonly body: Buffer
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** @throws FetchFailure, and nothing else */
export type GuardedFetch = (url: string, wanted: Wanted) => Promise<Fetched>

/**
 * `refused`: by us, or its answer is none that we take. `unreachable`: there was no answer in time, and another
 * moment may bring one.
 */
export class FetchFailure extends Error {
  readonly kind: 'refused' | 'unreachable'

  constructor(kind: FetchFailure['kind'], message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

/** What a test puts in place of the internet. */
export interface Surroundings {
  /** Every address of a name. @throws when there is none */
  readonly resolve: (host: string, signal: AbortSignal) => Promise<readonly string[]>
  readonly mayConnectTo: (address: string) => boolean
  readonly ports: readonly number[]
  /** Who vouches for certificates, as PEM; undefined for whoever does so for everybody. */
  readonly ca: string | undefined
  /** For all of it: the wait for a turn, the name, the connection and the answer. */
  readonly withinMs: number
  /** How many are asked at once, and how many more may wait for their turn. */
  readonly atOnce: number
  readonly waiting: number
}

const internet: Surroundings = {
  resolve: resolvePublicly,
  mayConnectTo: isPublicAddress,
  ports: [443],
  ca: undefined,
  withinMs: 2500,
  atOnce: 20,
  waiting: 100,
}

/** https alone, port 443, no redirects, no compression, checked addresses, little of it, and not for long. */
export function createGuardedFetch(some: Partial<Surroundings> = {}): GuardedFetch {
  const around: Surroundings = { ...internet, ...some }
  const queue = createQueue(around.atOnce, around.waiting)
  return async (text, wanted) => {
    const url = readUrl(text, around)
    const signal = AbortSignal.timeout(around.withinMs)
    const turn = queue.turn(signal)
    if (!turn) throw new FetchFailure('unreachable', 'too many addresses are being asked at the moment')
    try {
      await orTimeout(turn.begun, signal)
      const addresses = await checkedAddresses(url.hostname, around, signal)
      return await ask(url, addresses, wanted, around.ca, signal)
    } catch (thrown) {
      if (thrown instanceof FetchFailure) throw thrown
      const why = signal.aborted ? `no answer within ${around.withinMs} ms` : describe(thrown)
      throw new FetchFailure('unreachable', why, thrown)
    } finally {
      turn.end()
    }
  }
}

function readUrl(text: string, { ports }: Surroundings): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol !== 'https:') throw new FetchFailure('refused', 'it is no https address')
  if (url.username !== '' || url.password !== '') throw new FetchFailure('refused', 'it has a user in it')
  if (!ports.includes(url.port === '' ? 443 : Number(url.port))) {
    throw new FetchFailure('refused', 'its port is not the one of https (443)')
  }
  return url
}

/** All addresses of the host: one that we may not connect to is enough to refuse. */
async function checkedAddresses(hostname: string, around: Surroundings, signal: AbortSignal) {
  const literal = hostname.replace(/^\[|\]$/g, '')
  if (isIP(literal) === 0 && !isPublicName(hostname)) {
    throw new FetchFailure('refused', `${hostname} is no name on the public internet`)
  }
  const addresses =
    isIP(literal) === 0 ? await orTimeout(around.resolve(hostname, signal), signal) : [literal]
  if (addresses.length === 0) throw new FetchFailure('unreachable', `${hostname} has no address`)
  if (!addresses.every(around.mayConnectTo)) {
    throw new FetchFailure('refused', `${hostname} is not on the public internet`)
  }
  return addresses
}

/** Names that stand for this machine or this network (RFC 6761, RFC 6762, RFC 8375), whatever a resolver says. */
function isPublicName(hostname: string): boolean {
  return (
    /^([a-z0-9_-]+\.)+[a-z0-9-]*[a-z][a-z0-9-]*$/.test(hostname) &&
    !/\.(localhost|local|localdomain|internal|intranet|home|lan|corp|onion|invalid|home\.arpa)$/.test(
      `.${hostname}`,
    )
  )
}

function ask(
  url: URL,
  addresses: readonly string[],
  wanted: Wanted,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      {
        // A connection of its own, to the addresses that were checked: no name is asked for a second time.
        agent: false,
        lookup: lookUpAs(addresses),
        signal,
        headers: { Accept: wanted.accept, 'Accept-Encoding': 'identity', 'User-Agent': 'Latchkey' },
        ...(ca === undefined ? {} : { ca }),
      },
      (answer) => {
        read(answer, wanted)
          .then(resolve, reject)
          .finally(() => asked.destroy())
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

async function read(answer: IncomingMessage, { mostBytes, type }: Wanted): Promise<Fetched> {
  const refuse = (why: string) => new FetchFailure('refused', why)
  const { statusCode, headers } = answer
  if (statusCode !== 200) throw refuse(`its server answered with status ${statusCode}, not 200`)
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw refuse('its server answered compressed, which was not asked for')
  const [answeredType = ''] = (headers['content-type'] ?? '').split(';')
  if (!type.test(answeredType.trim().toLowerCase())) {
    throw refuse(`its server answered with the wrong Content-Type (${answeredType.slice(0, 100)})`)
  }
  const tooMuch = refuse(`it is larger than ${mostBytes} bytes`)
  if (Number(headers['content-length'] ?? 0) > mostBytes) throw tooMuch
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer) {
    bytes += chunk.length
    if (bytes > mostBytes) throw tooMuch
    chunks.push(chunk)
  }
  if (!answer.complete) throw new FetchFailure('unreachable', 'its answer ended too early')
  return { body: Buffer.concat(chunks), headers }
}

function lookUpAs(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_hostname, options, answer) => {
    const [first] = found
    if (options.all === true) answer(null, found)
    else answer(null, first?.address ?? '', first?.family)
  }
}

/** By DNS alone: neither the machine's own list of hosts nor its threads are in a stranger's hands. */
async function resolvePublicly(host: string, signal: AbortSignal): Promise<string[]> {
  const resolver = new Resolver({ timeout: 1000, tries: 2 })
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel)
  try {
    const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function orTimeout<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(signal.reason)
    if (signal.aborted) late()
    signal.addEventListener('abort', late, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}

/** A code such as ECONNREFUSED says more than the sentence around it, and names no address of ours. */
function describe(thrown: unknown): string {
  if (thrown instanceof Error && 'code' in thrown) return `no connection (${String(thrown.code)})`
  return 'no connection'
}
