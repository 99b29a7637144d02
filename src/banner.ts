// What a development start prints: where everything is, and on the first start the secrets, once.
import { relative } from 'node:path'
import type { Config } from './core/config.ts'
import { credentialHeader, type Profile } from './core/profile.ts'
import type { Demo } from './demo.ts'
import { setUpUrl } from './operators/set-up-link.ts'
import type { Impact } from './profiles/impact.ts'

export interface Banner {
  readonly config: Config
  readonly profile: Profile
  readonly database: string
  readonly applied: readonly string[]
  readonly signingKeys: boolean
  readonly demo: Demo | null
  /** Of an operation that the demo key may call, without parameters. */
  readonly examplePath: string
}

/** What stands above the banner when the profile and the database do not go together. */
export function impactLines(impacts: readonly Impact[]): string[] {
  return [
    '',
    '  This profile and what is in the database do not go together:',
    ...impacts.map(({ say }) => `    - ${say}`),
    '  Nothing was changed. Look closer with: npx latchkey profile check',
  ]
}

export function printBanner(it: Banner): void {
  console.log(bannerLines(it).join('\n'))
}

/** At most some 20 lines. The demo's secrets are in them, so they go to the terminal and nowhere else. */
export function bannerLines(it: Banner): string[] {
  const { config, profile, database, applied, signingKeys, demo, examplePath } = it
  const { publicUrl } = config
  const row = (label: string, text: string) => `  ${label.padEnd(13)}${text}`
  const where = database.replace(config.dataDirectory, relative(process.cwd(), config.dataDirectory) || '.')
  const lines = ['', `  Latchkey  ·  ${profile.brand.name}  ·  ${publicUrl}  ·  ${config.environment}`, '']
  lines.push(
    row('Database', where + (applied.length > 0 ? `   (migrations applied: ${applied.length})` : '')),
  )
  if (signingKeys) lines.push(row('Signing keys', 'created'))
  if (demo) {
    lines.push(row('Set-up link', setUpUrl(publicUrl, demo.setUpToken).reveal()))
    lines.push(row('', `(for ${demo.email}; works once, for 30 minutes)`))
  }
  lines.push(row('Console', `${publicUrl}/admin/settings/api-keys`))
  lines.push(row('Docs', `${publicUrl}/docs`))
  if (profile.oauth.enabled)
    lines.push(row('Discovery', `${publicUrl}/.well-known/oauth-authorization-server`))
  if (demo?.app) {
    lines.push(row('Demo app', `client_id ${demo.app.clientId}`))
    lines.push(row('', `redirect_uri ${demo.app.redirectUris[0]} (any port)`))
  }
  if (demo) {
    const mode = profile.modes.includes('test') ? 'test mode; ' : ''
    lines.push('', `  Try it (${mode}the key is shown this once):`)
    const header = credentialHeader(profile, demo.key.reveal())
    lines.push(`    curl -H "${header}" ${publicUrl}${profile.basePath}${examplePath}`)
  }
  if (Number(process.versions.node.split('.')[0]) < 22) {
    lines.push(
      '',
      row('Node.js', `${process.versions.node} works; 22 and 24 are supported too, and last longer`),
    )
  }
  lines.push('', '  Stop with Ctrl-C', '')
  return lines
}
