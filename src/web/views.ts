// Pages from templates (views/*.eta): everything is escaped, nothing is cached by browsers.
import { join } from 'node:path'
import { Eta } from 'eta'
import type { Context } from 'koa'

export interface Views {
  /** Answers with the page `name`; `props` are its own, brand and assets come along. */
  show(ctx: Context, name: string, props: object, status?: number): void
}

/** What every page may say. */
export interface Site {
  readonly brand: string
  readonly summary: string
  /** Address of the stylesheet and the script, by their content. */
  readonly assets: Readonly<Record<string, string>>
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
