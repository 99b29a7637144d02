// The check itself: what a request carries, what is known of it, and whether that is enough.
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { createChecker, type Proof, type Question } from './checker.ts'
import { createCoverage, usualRules } from './coverage.ts'
import { judge } from './judge.ts'
import { createMemory, type Kept } from './memory.ts'
import { isBefore, type Moment, now } from './moment.ts'
import { type ResourceServerOptions, readOptions } from './options.ts'
import { type HeaderRules, type Presented, readPresented } from './presented.ts'
import { methodOf, peerOf, type ServerRequest, targetOf, valuesOf } from './request.ts'
import { refuse, type Verdict, type VerifyOptions } from './verdict.ts'
import { createWire } from './wire.ts'

export interface ResourceServer {
  /**
   * Who a request is from, and whether it may. It neither throws nor rejects, whatever the request is: for a server that
   * is away there is a verdict with status 503. So there is for a request that can't be read and for options that can't
   * work; what is wrong with them `onError` hears.
   */
  verify(request: ServerRequest, options?: VerifyOptions): Promise<Verdict>
  /** Ends the stream and the connections; whoever is verified later is refused with 503. */
  close(): void
}

type Credential = Extract<Presented, { readonly kind: 'credential' }>

/** No operation is kept longer, no proof is. */
const longestOperation = 200
const longestProof = 8192
const probeMs = 1000

/** @throws TypeError for options that can't work */
export function createResourceServer(given: ResourceServerOptions): ResourceServer {
  const settings = readOptions(given)
  const { boundMs, timeoutMs, allowKnownReadsForMs, onError, clientAddress } = settings
  const wire = createWire(settings)
  const memory = createMemory(settings.cacheSize, boundMs)
  const coverage = createCoverage({ wire, memory, boundMs, onError })
  const checker = createChecker({ wire, memory, boundMs, timeoutMs, onError })

  const rulesOf = (told: HeaderRules): HeaderRules =>
    settings.header === null ? told : { ...told, header: settings.header }

  const addressOf = (request: ServerRequest): string | null => {
    const told = clientAddress ? clientAddress(request) : peerOf(request)
    const plain = told?.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '') ?? ''
    return isIP(plain) === 0 ? null : plain
  }

  const proofOf = (request: ServerRequest): Proof | null => {
    const [proof, ...more] = valuesOf(request, 'dpop')
    if (proof === undefined || more.length > 0 || proof.length > longestProof) return null
    if (settings.publicOrigin === null) {
      onError(
        new TypeError(
          'Set publicUrl: a token came that is bound to a key, and its proof names your address.',
        ),
      )
      return null
    }
    const url = settings.publicOrigin + targetOf(request).path
    return { proof, method: request.method ?? 'GET', url }
  }

  const questionOf = (
    request: ServerRequest,
    { secret: credential, scheme }: Credential,
    hash: string,
    { operation }: VerifyOptions,
  ): Question => ({
    credential,
    hash,
    address: addressOf(request),
    operation: operation?.slice(0, longestOperation) ?? null,
    proof: scheme === 'dpop' ? proofOf(request) : null,
  })

  /** What is known without asking; null where the server has to be asked. */
  const recall = (request: ServerRequest, hash: string, at: Moment): Kept | null => {
    const kept = memory.get(hash)
    if (!kept || !isBefore(at, kept.endsAt)) return null
    if (kept.known.isForOneAddress && kept.address !== addressOf(request)) return null
    kept.wasUsed = true
    return kept
  }

  const isKnownRead = (request: ServerRequest, at: Moment) =>
    allowKnownReadsForMs > 0 &&
    ['GET', 'HEAD', 'OPTIONS'].includes(methodOf(request)) &&
    coverage.wasHeard(at, allowKnownReadsForMs)

  /** Without anybody who waits for it. Why there is no answer, `onError` hears. */
  const askAside = (question: Question) => void checker.check(question).catch(() => {})

  let probedAt = -Infinity
  /** Whether it is away still. */
  const probe = (question: Question, at: Moment) => {
    if (at.monotonic - probedAt < probeMs) return
    probedAt = at.monotonic
    askAside(question)
  }

  const decide = (request: ServerRequest, options: VerifyOptions, rules: HeaderRules): Promise<Verdict> => {
    const challenge = {
      resourceMetadata: settings.resourceMetadata,
      realm: settings.realm,
      keyHeader: rules.header === 'authorization' ? null : rules.header,
    }
    const presented = readPresented(request, rules)
    if (presented.kind === 'malformed') return Promise.resolve(refuse('invalid_credential', challenge))
    if (presented.kind !== 'credential') return Promise.resolve(refuse(presented.kind, challenge))
    const hash = createHash('sha256').update(presented.secret).digest('base64url')
    const isBound = presented.scheme === 'dpop'
    const by = { challenge, isBound, audience: settings.audience }
    const at = now()
    const kept = isBound ? null : recall(request, hash, at)
    if (kept && coverage.isCurrent(at)) {
      if (at.monotonic >= kept.askAgainAt) {
        kept.askAgainAt = at.monotonic + probeMs // should it fail
        askAside(questionOf(request, presented, hash, options))
      }
      return Promise.resolve(judge(kept.known.allowed, options, by))
    }
    const question = questionOf(request, presented, hash, options)
    // While it is away nobody waits for it who need not.
    if (kept && checker.isAway && isKnownRead(request, at)) {
      probe(question, at)
      return Promise.resolve(judge({ ...kept.known.allowed, isStale: true }, options, by))
    }
    return checker.check(question).then(
      ({ known, isProven }) => {
        if (!known || known.isBound !== isBound)
          return refuse('invalid_credential', challenge, { isBound: isBound || known?.isBound === true })
        if (isBound && !isProven) return refuse('invalid_dpop_proof', challenge, { isBound })
        return judge(known.allowed, options, by)
      },
      () => {
        const then = now()
        const stale = isBound ? null : recall(request, hash, then)
        if (!stale || !isKnownRead(request, then)) return refuse('unavailable', challenge)
        return judge({ ...stale.known.allowed, isStale: true }, options, by)
      },
    )
  }

  const verify = (request: ServerRequest, options: VerifyOptions): Promise<Verdict> => {
    const { rules } = coverage
    if (rules) return decide(request, options, rulesOf(rules))
    return coverage
      .rulesWithin(timeoutMs)
      .then(() => decide(request, options, rulesOf(coverage.rules ?? usualRules)))
  }

  /** A header that can't be read, a socket that is gone, a function of the owner's that threw: nobody is let in by it. */
  const giveUp = (thrown: unknown): Verdict => {
    onError(thrown instanceof Error ? thrown : new Error('A request could not be read.', { cause: thrown }))
    const { resourceMetadata, realm } = settings
    return refuse('unavailable', { resourceMetadata, realm, keyHeader: null })
  }

  return {
    verify: (request, options = {}) => {
      try {
        return verify(request, options).catch(giveUp)
      } catch (thrown) {
        return Promise.resolve(giveUp(thrown))
      }
    },
    close: () => {
      coverage.close()
      checker.close()
      wire.close()
    },
  }
}
