// What each duty of a cached check costs: `GET /api/v1/me` through the front in this very process, without a network,
// with one duty left out at a time.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Command } from 'commander'
import { failedCredentialsClass, turnstileClass } from '../src/api/admission.ts'
import { getMe } from '../src/api/me.api.ts'
import { createApi } from '../src/api/pipeline.ts'
import { loadContract } from '../src/core/contract.ts'
import type { ApiKeyPrincipal } from '../src/core/principal.ts'
import { loadProfile } from '../src/core/profile.ts'
import { createLog } from '../src/core/telemetry.ts'
import { createFormat } from '../src/credentials/format.ts'
import { createUseTally } from '../src/credentials/use-tally.ts'
import { createValidator } from '../src/credentials/validator.ts'
import { packageRoot } from '../src/lib/package-root.ts'
import { createTurnstile } from '../src/limits/turnstile.ts'
import { createFront } from '../src/web/front.ts'
import { createApiHosts } from '../src/web/host.ts'
import { percentile } from './statistics.ts'

const duties = ['nothing', 'log line', 'limit', 'last use', 'credential', 'answer', 'all of these'] as const
type Duty = (typeof duties)[number]

const requestsPerSlice = 40_000
/** As many as come in one turn of the event loop under the load of the other benches. */
const together = 32

export function dutiesCommand(program: Command): void {
  program
    .command('duties')
    .description(
      'what each duty of a cached check costs in Node.js, each left out in turn, without a network',
    )
    .option('--rounds <number>', 'slices of each', Number, 12)
    .action(async ({ rounds }: { rounds: number }) => {
      const asks: { duty: Duty; ask: () => void; micros: number[] }[] = []
      for (const duty of duties) asks.push({ duty, ask: await prepare(duty), micros: [] })
      for (let round = -2; round < rounds; round += 1) {
        for (const { ask, micros } of asks) {
          const cost = await slice(ask)
          if (round >= 0) micros.push(cost)
        }
      }
      const all = percentile(asks[0]?.micros ?? [], 50)
      console.log(
        'CPU µs of Node.js a request, medians; the front, the steps and the answer, without node:http\n',
      )
      for (const { duty, micros } of asks) {
        const median = percentile(micros, 50)
        const what = duty === 'nothing' ? 'with every duty' : `without ${duty}`
        const less = duty === 'nothing' ? '' : `  ${(all - median).toFixed(2)} less`
        console.log(`${what.padEnd(24)} ${median.toFixed(2)}${less}`)
      }
      process.exit(0)
    })
}

async function slice(ask: () => void): Promise<number> {
  const before = process.cpuUsage()
  for (let sent = 0; sent < requestsPerSlice; sent += together) {
    for (let one = 0; one < together; one += 1) ask()
    await turn()
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / requestsPerSlice
}

async function prepare(without: Duty): Promise<() => void> {
  const lacks = (duty: Duty) => without === duty || without === 'all of these'
  const publicUrl = 'http://localhost:3000'
  const profile = loadProfile('boothzen', join(packageRoot, 'profiles'))
  const contract = loadContract(profile, publicUrl)
  const format = createFormat(profile.credentials.prefixes)
  const log = createLog(lacks('log line') ? 'warn' : 'info', { write: () => {} })
  const secret = format.write('api_key', 'live').reveal()
  const who: ApiKeyPrincipal = {
    kind: 'api_key',
    organization: `org_${'a'.repeat(24)}`,
    mode: 'live',
    scopes: new Set(['read:bookings', 'read:customers']),
    issuedAt: 1_700_000_000,
    expiresAt: null,
    key: `key_${'a'.repeat(24)}`,
    allowedAddresses: null,
  }
  const windows = Object.entries(profile.rateClasses).map(([name, { windows: each }]) => [
    turnstileClass(name),
    each.map(({ seconds }) => ({ requests: 1_000_000_000, seconds })),
  ])
  const turnstile = createTurnstile(
    { ...Object.fromEntries(windows), [failedCredentialsClass]: [profile.failedCredentials] },
    { redisUrl: null, shared: null, log },
  )
  const allowance = { limit: 600, remaining: 599, resetSeconds: 60, resetsAt: 0 }
  const uses = createUseTally<ApiKeyPrincipal>(() => {})
  const cache = { kept: () => who, find: async () => who }
  const validate = createValidator({ format, shapes: { match: () => false }, cache, clock: () => new Date() })
  const hosts = createApiHosts(publicUrl, profile)
  const constant = { kind: 'item', status: 200, item: { kind: 'api_key' } } as const
  const api = createApi({
    profile,
    contract,
    handlers: {
      tenant: new Map([['getMe', lacks('answer') ? () => constant : getMe]]),
      platform: new Map(),
      optional: new Set(),
      unfit: new Map(),
    },
    validate: lacks('credential') ? () => who : validate,
    audience: `${publicUrl}/api/v1`,
    turnstile: lacks('limit') ? { ...turnstile, take: () => ({ allowance, retryAfter: null }) } : turnstile,
    noteUse: lacks('last use') ? () => {} : (_who, use) => uses.note(who.key, who, use, Date.now()),
    noteLimited: () => {},
    log,
    trustedProxies: 0,
    resourceMetadataUrl: null,
    proofs: { take: async () => '' },
    publicUrl,
    hosts,
    caughtUp: async () => {},
  })
  const front = createFront({
    log,
    requestIdHeader: profile.headers.requestId,
    doors: [
      (req) => {
        const path = hosts.pathOf(req)
        return path === null ? null : (request) => api(request, path)
      },
    ],
  })
  const socket = new Socket()
  let status = 0
  // What the front asks of a request and its answer, and nothing else of them: node:http is not what is measured here.
  const res = {
    writeHead: (written: number) => {
      status = written
    },
    end: () => {},
  } as unknown as ServerResponse
  const rawHeaders = ['Host', 'localhost:3000', 'Authorization', `Bearer ${secret}`, 'User-Agent', 'acme/1']
  const ask = () => {
    const req = { method: 'GET', url: '/api/v1/me', rawHeaders, headers: {}, socket } as unknown
    front(req as IncomingMessage, res) // see above
  }
  ask()
  await turn()
  if (status !== 200) throw new Error(`answered ${status}`)
  return ask
}
