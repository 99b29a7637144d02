// Pages from templates (views/*.eta): everything is escaped, nothing is cached by browsers.
import { join } from 'node:path'
import { Eta } from 'eta'
import type { Context } from 'koa'
import type { Mode } from '../core/principal.ts'
import type { Profile } from '../core/profile.ts'

export interface Views {
  /** Answers with the page `name`; `props` are its own, brand and assets come along. */
  show(ctx: Context, name: string, props: object, status?: number): void
}

/** What every page may say, and what of the profile decides which words a page has. */
export interface Site {
  readonly brand: string
  readonly summary: string
  /** Address of the stylesheet and the script, by their content. */
  readonly assets: Readonly<Record<string, string>>
  /** What the menu calls keys, under which heading (null for none), and what the button says that makes one. */
  readonly keys: { readonly section: string | null; readonly name: string; readonly create: string }
  readonly hasApps: boolean
  readonly hasTestMode: boolean
  readonly hasScopes: boolean
  /** Where there is one mode, it goes without saying; a key from before that is of another one says so. */
  readonly tellsMode: (mode: Mode) => boolean
}

export function siteOf(profile: Profile, assets: Site['assets']): Site {
  const { brand, console: words, oauth, modes, scopes } = profile
  const [first = '', second] = words.keys
  return {
    brand: brand.name,
    summary: brand.summary,
    assets,
    keys: { section: second === undefined ? null : first, name: second ?? first, create: words.createKey },
    hasApps: oauth.enabled,
    hasTestMode: modes.includes('test'),
    hasScopes: Object.keys(scopes).length > 0,
    tellsMode: (mode) => modes.length > 1 || !modes.includes(mode),
  }
}

export function createViews(folder: string, site: Site): Views {
  const eta = new Eta({ views: join(folder), cache: true, autoEscape: true, useWith: false, varName: 'it' })
  return {
    show: (ctx, name, props, status = 200) => {
      ctx.status = status
      ctx.type = 'text/html; charset=utf-8'
      ctx.body = eta.render(`./${name}`, { ...props, site })
    },
  }
}
