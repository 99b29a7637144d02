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
    router.get(page.path, async (ctx) => {
      const reader = await findReader(parts, ctx)
      const isReference = page === reference
      if (isReference) allowOwnRequests(ctx)
      views.show(ctx, 'docs', {
        title: page.title,
        article: toHtml(page.write(parts, reader)),
        docs: { pages, current: page.path },
        openapi: isReference ? `${profile.basePath}/openapi.json` : null,
      })
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
