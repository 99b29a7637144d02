// /docs and /llms.txt: each page as HTML for people and as Markdown for programs.
import Router from '@koa/router'
import { allowOwnRequests } from '../web/headers.ts'
import type { Views } from '../web/views.ts'
import { toHtml } from './html.ts'
import { asMarkdown, index, overview, pages, reference } from './pages.ts'
import { findReader, type ReaderParts } from './reader.ts'
import { nobody, type Subject } from './subject.ts'

export interface DocumentationParts extends ReaderParts, Subject {
  readonly views: Views
}

export function documentationRoutes(parts: DocumentationParts): Router {
  const router = new Router({ sensitive: true, strict: true })
  const { views, profile } = parts

  router.get('/', (ctx) => {
    ctx.status = 302
    ctx.redirect(overview.path)
  })

  router.get('/llms.txt', (ctx) => {
    ctx.type = 'text/plain; charset=utf-8'
    ctx.body = index(parts)
  })

  for (const page of pages) {
    const isReference = page === reference
    // Most who read are nobody that we know, and some pages are the same for all: theirs is made into HTML once.
    const usual = page.write(parts, nobody)
    const usualArticle = toHtml(usual)
    router.get(page.path, async (ctx) => {
      const reader = await findReader(parts, ctx)
      const written = reader === nobody ? usual : page.write(parts, reader)
      if (isReference) allowOwnRequests(ctx)
      views.show(ctx, 'docs', {
        title: page.title,
        article: written === usual ? usualArticle : toHtml(written),
        docs: { pages, current: page.path },
        openapi: isReference ? `${profile.basePath}/openapi.json` : null,
      })
    })
    router.get(`${page.path}/`, (ctx) => {
      ctx.status = 301
      ctx.redirect(page.path)
    })
    // Never of anybody's own: it may be kept and shared.
    const markdown = asMarkdown(page, parts, nobody)
    router.get(`${page.path}.md`, (ctx) => {
      ctx.type = 'text/markdown; charset=utf-8'
      ctx.body = markdown
    })
  }

  return router
}
