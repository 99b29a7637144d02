// Introspection beside that of the engine alone, and many credentials at once.
import type { Command } from 'commander'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Variant } from './compare.ts'
import { introspectionOf, nameOf, variantsOf } from './contender.ts'
import { startDatabaseServer } from './database-server.ts'
import { startLatchkey } from './latchkey-contender.ts'
import { addComparisonOptions, type ComparisonOptions, settingsOf } from './options.ts'
import { startPlainEngine } from './peer-contenders.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, type Report, reportText } from './report.ts'

const help = `
Variants: POST /oauth/introspect by OAuth access token and by API key, from the cache; the engine alone
(oidc-provider with a plain knex adapter) by opaque access token, which looks it up each time. All are asked by a
confidential client, and answer that the credential is active.
`

export function introspectionCommand(program: Command): void {
  addComparisonOptions(program.command('introspection'))
    .description('compare POST /oauth/introspect with that of the engine alone')
    .addHelpText('after', help)
    .action(async (options: ComparisonOptions) => {
      const settings = settingsOf(options, nameOf('introspect', 'oidc-provider'), 3)
      const report = await withCleanup((cleanup) => run(settings, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report))
    })
}

async function run(settings: CompareSettings, cleanup: Cleanup): Promise<Report> {
  const machine = describeMachine()
  showProgress('starting')
  const { kind, url } = await startDatabaseServer(cleanup)
  const latchkey = await startLatchkey(url, 1, cleanup)
  const engine = await startPlainEngine(url, 1, cleanup)
  const { server, databaseCpuMicros, at, authorization, keysAuthorization, keys, tokens } = latchkey
  const ours = (name: string, title: string, by: string, credentials: readonly string[]): Variant => ({
    ...{ name, title, server, databaseCpuMicros },
    target: introspectionOf(`${at}/oauth/introspect`, by, credentials),
  })
  const variants = [
    ours('introspect-token', 'Latchkey, access token', authorization, tokens),
    ours('introspect-key', 'Latchkey, API key', keysAuthorization, keys),
    ...variantsOf('introspect', [engine]),
  ]
  return {
    benchmark: 'introspection',
    ...machine,
    settings: { ...settings, database: kind },
    variants: await compare(variants, settings, cleanup, showProgress),
  }
}
