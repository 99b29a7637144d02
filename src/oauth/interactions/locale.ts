// Which language a person reads on the way to an app: what the app says of them first (ui_locales), then what
// their browser says, and English where neither says one that the pages speak.
import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import type { Locale } from '../../core/profile.ts'
import type { Words } from './words.ts'
import { english } from './words-en.ts'
import { french } from './words-fr.ts'

const words: Readonly<Record<Locale, Words>> = { en: english, fr: french }
const locales: readonly Locale[] = ['en', 'fr']

/** Of the interaction that a request is for: its pages have no ui_locales in their address. */
const noted = new WeakMap<IncomingMessage, Locale>()

/** The first of the languages (BCP 47, by preference, separated by spaces) that the pages speak; null for none. */
export function localeOfApp(uiLocales: unknown): Locale | null {
  if (typeof uiLocales !== 'string') return null
  for (const tag of uiLocales.toLowerCase().split(' ')) {
    const found = locales.find((locale) => tag === locale || tag.startsWith(`${locale}-`))
    if (found) return found
  }
  return null
}

/** For the whole of this request, also for an error that ends it. */
export function noteLocale(ctx: Context, uiLocales: unknown): void {
  const locale = localeOfApp(uiLocales)
  if (locale) noted.set(ctx.req, locale)
}

/** To be asked for each page: it says as well that the answer depends on what the browser reads. */
export function wordsOf(ctx: Context): Words {
  ctx.vary('Accept-Language')
  const byApp = noted.get(ctx.req) ?? localeOfApp(ctx.query['ui_locales'])
  const byBrowser = ctx.acceptsLanguages([...locales])
  return words[byApp ?? locales.find((locale) => locale === byBrowser) ?? 'en']
}
