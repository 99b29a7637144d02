// The token endpoint: refresh and code exchange, beside the same of the engine alone on a plain knex adapter.
import type { Command } from 'commander'
import { z } from 'zod'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Variant } from './compare.ts'
import { type Forms, sendForms } from './form-load.ts'
import { addComparisonOptions, type ComparisonOptions, settingsOf } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, type Report, reportText } from './report.ts'
import { RunFailed } from './run-failed.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { prepareSurroundings, type Surroundings } from './surroundings.ts'
import { type Code, openTokenStock } from './token-stock.ts'

/** The plain engine makes its codes one by one. */
const plainCodesPerSecond = 2500
const ownCodesPerSecond = 8000

const help = `
Variants: refresh and code exchange (PKCE, public client) at Latchkey's /oauth/token, and at the /token of the engine
alone: its own refresh grant, rotation, opaque tokens for one API, its clients and everything else in one table by
a plain knex adapter, a pool of 10 connections as Latchkey has, no access log. Each connection refreshes with the
token that it was just given; codes are made before the slice that needs them. Any answer but 200 fails the run.

Database: one for all of them; the embedded PostgreSQL in a temporary folder, or with DATABASE_URL a database of the
run's own on that server, dropped at the end. fsync is as the server has it.

Reading the figures: ratios are Latchkey's to the plain engine's in the same round. CPU is the server process's own,
per request, without PostgreSQL's. See also "bench -- api --help".
`

/** What one server has to offer. */
interface Side {
  readonly name: 'latchkey' | 'plain'
  readonly server: ServerProcess
  readonly path: string
  readonly clientId: string
  readonly redirectUri: string
  readonly codesPerSecond: number
  codes(count: number): Promise<readonly Code[]>
  refreshTokens(count: number): Promise<readonly string[]>
}

export function tokensCommand(program: Command): void {
  addComparisonOptions(program.command('tokens'))
    .description('compare refresh and code exchange with the engine alone on a plain knex adapter')
    .addHelpText('after', help)
    .action(async (options: ComparisonOptions) => {
      const settings = settingsOf(options, 'plain-refresh', 4)
      const report = await withCleanup((cleanup) => run(settings, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report))
    })
}

async function run(settings: CompareSettings, cleanup: Cleanup): Promise<Report> {
  const machine = describeMachine()
  showProgress('starting')
  const surroundings = await prepareSurroundings(cleanup)
  const latchkey = await startLatchkey(surroundings, cleanup)
  const plain = await startPlainEngine(surroundings, cleanup)
  const variants = [
    await refreshing(latchkey, "Latchkey's refresh", settings),
    await refreshing(plain, "plain engine's refresh", settings),
    exchanging(latchkey, "Latchkey's code exchange", settings),
    exchanging(plain, "plain engine's code exchange", settings),
  ]
  const figures = await compare(variants, settings, cleanup, showProgress)
  return {
    benchmark: 'tokens',
    ...machine,
    settings: { ...settings, database: surroundings.database },
    variants: figures,
  }
}

async function startLatchkey({ env }: Surroundings, cleanup: Cleanup): Promise<Side> {
  const server = await startServer('latchkey', { env, readyPath: '/readyz' }, cleanup)
  const stock = await openTokenStock(env, `http://localhost:${server.port}`, cleanup)
  return { ...stock, name: 'latchkey', server, path: '/oauth/token', codesPerSecond: ownCodesPerSecond }
}

const codes = z.array(z.object({ code: z.string(), verifier: z.string() }))
const refreshTokens = z.array(z.string())

async function startPlainEngine({ env }: Surroundings, cleanup: Cleanup): Promise<Side> {
  const server = await startServer('plain-engine', { env, readyPath: '/ready' }, cleanup)
  const mint = async (what: string, count: number): Promise<unknown> => {
    const url = `http://127.0.0.1:${server.port}/mint/${what}?count=${count}`
    const response = await fetch(url, { method: 'POST', signal: cleanup.signal })
    if (!response.ok) throw new RunFailed(`The plain engine made no ${what}: it answered ${response.status}.`)
    return await response.json()
  }
  return {
    name: 'plain',
    server,
    path: '/token',
    clientId: 'bench-app',
    redirectUri: 'https://app.bench.example/callback',
    codesPerSecond: plainCodesPerSecond,
    codes: async (count) => codes.parse(await mint('codes', count)),
    refreshTokens: async (count) => refreshTokens.parse(await mint('refresh-tokens', count)),
  }
}

/** Each connection has a family of its own. */
async function refreshing(side: Side, title: string, { connections }: CompareSettings): Promise<Variant> {
  const current = [...(await side.refreshTokens(connections))]
  const forms: Forms = {
    next: (index) =>
      `grant_type=refresh_token&client_id=${side.clientId}&refresh_token=${current[index] ?? ''}`,
    take: (index, text) => {
      current[index] = (JSON.parse(text) as { refresh_token: string }).refresh_token
    },
  }
  return { name: `${side.name}-refresh`, title, ...targetOf(side, forms), baseline: 'plain-refresh' }
}

function exchanging(side: Side, title: string, { seconds }: CompareSettings): Variant {
  let stock: Code[] = []
  const redirect = encodeURIComponent(side.redirectUri)
  const forms: Forms = {
    next: () => {
      const taken = stock.pop()
      if (!taken) return null
      const { code, verifier } = taken
      return `grant_type=authorization_code&client_id=${side.clientId}&redirect_uri=${redirect}&code=${code}&code_verifier=${verifier}`
    },
    take: () => {},
  }
  const wanted = Math.ceil(side.codesPerSecond * seconds)
  return {
    name: `${side.name}-code`,
    title,
    ...targetOf(side, forms),
    baseline: 'plain-code',
    prepare: async () => {
      stock = [...stock, ...(await side.codes(Math.max(0, wanted - stock.length)))]
    },
  }
}

function targetOf({ server, path }: Side, forms: Forms): Pick<Variant, 'server' | 'target'> {
  return {
    server,
    target: (settings, signal) => sendForms({ port: server.port, path }, forms, settings, signal),
  }
}
