// Pages that change an app: edit, logo, suspend, resume, delete. Before anything stops, a page says what will: how
// many authorizations end, and when they were used last.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { changeLogo } from '../apps/change-logo.ts'
import { mostLogoBytes, remakeLogo } from '../apps/logo.ts'
import { logoAddress } from '../apps/logo-store.ts'
import { deleteApp } from '../apps/register-app.ts'
import { Problem } from '../core/problems.ts'
import { findAppFigures } from '../oauth/app-figures-store.ts'
import { resumeApp, suspendApp } from '../offboarding/suspend-app.ts'
import { updateApp } from '../offboarding/update-app.ts'
import { readForm } from '../web/body.ts'
import { seeOther } from '../web/see-other.ts'
import { readUpload } from '../web/upload.ts'
import { appAsTyped, readAppForm, type TypedApp, typedApp } from './app-form.ts'
import { type AppPagesParts, type AppVisit, appFormProps, appsPath, visitApp } from './app-pages.ts'
import { describeApp } from './app-words.ts'
import { type Mistake, mistakeOf } from './mistake.ts'
import { refusedToRole, requireAdmin } from './visit.ts'

export function addAppChangePages(router: Router, parts: AppPagesParts): void {
  const { db, profile, visits, sessions, clock } = parts

  const pageOf = ({ app }: AppVisit) => `${appsPath}/${app.clientId}`
  const requestOf = ({ who, app }: AppVisit) =>
    ({ app: app.clientId, organization: who.current.organization.id, by: who.by, as: 'developer' }) as const

  const visitToChange = async (ctx: Context): Promise<AppVisit> => {
    const visit = await visitApp(ctx, parts)
    requireAdmin(visit.who)
    return visit
  }
  // Also in an account that is suspended: what is wrong must not come back with it.
  const visitToEnd = async (ctx: Context): Promise<AppVisit> => {
    const visit = await visitApp(ctx, parts)
    if (visit.who.current.role !== 'ADMIN') throw refusedToRole()
    return visit
  }

  const showEdit = (ctx: Context, { who, app }: AppVisit, typed: TypedApp, mistake: Mistake | null) => {
    const props = { ...appFormProps(profile, typed, mistake), isPrefilled: false }
    const described = describeApp(app, undefined, null, clock())
    visits.show(ctx, who, appsPath, 'oauth-app-form', { ...props, app: described }, mistake ? 422 : 200)
  }

  router.get(`${appsPath}/:id/edit`, async (ctx) => {
    const visit = await visitToChange(ctx)
    showEdit(ctx, visit, appAsTyped(profile, visit.app), null)
  })

  router.post(`${appsPath}/:id/edit`, async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const visit = await visitToChange(ctx)
    const typed = { ...typedApp(profile, form), mode: visit.app.mode }
    try {
      await updateApp(db, { ...requestOf(visit), details: readAppForm(profile, typed) })
    } catch (thrown) {
      return showEdit(ctx, visit, typed, mistakeOf(thrown))
    }
    seeOther(ctx, `${pageOf(visit)}?done=saved`)
  })

  const showLogo = async (ctx: Context, { who, app }: AppVisit, mistake: Mistake | null) => {
    const described = describeApp(app, undefined, await logoAddress(db, app.clientId), clock())
    visits.show(ctx, who, appsPath, 'oauth-app-logo', { app: described, mistake }, mistake ? 422 : 200)
  }

  router.get(`${appsPath}/:id/logo`, async (ctx) => showLogo(ctx, await visitToChange(ctx), null))

  router.post(`${appsPath}/:id/logo`, async (ctx) => {
    // Who may not send a picture is told before it is read.
    const visit = await visitToChange(ctx)
    const upload = await readUpload(ctx.req, mostLogoBytes).catch((thrown: unknown) => {
      if (thrown instanceof Problem && thrown.code === 'body_too_large') return null
      throw thrown
    })
    if (!upload) return showLogo(ctx, visit, { say: 'The picture must have at most 1 MB.', field: 'logo' })
    const { fields, files } = upload
    sessions.checkForm(ctx, fields)
    const picture = files.get('logo')
    if (!picture || picture.length === 0)
      return showLogo(ctx, visit, { say: 'Choose a picture first.', field: 'logo' })
    try {
      await changeLogo(db, requestOf(visit), await remakeLogo(picture))
    } catch (thrown) {
      return showLogo(ctx, visit, mistakeOf(thrown))
    }
    seeOther(ctx, `${pageOf(visit)}?done=logo-saved`)
  })

  router.post(`${appsPath}/:id/logo/remove`, async (ctx) => {
    sessions.checkForm(ctx, await readForm(ctx.req))
    const visit = await visitToChange(ctx)
    await changeLogo(db, requestOf(visit), null)
    seeOther(ctx, `${pageOf(visit)}?done=logo-removed`)
  })

  const ends = {
    suspend: async (visit: AppVisit) => {
      await suspendApp(db, requestOf(visit), clock())
      return `${pageOf(visit)}?done=suspended`
    },
    delete: async ({ who, app }: AppVisit) => {
      await deleteApp(db, app.clientId, who.by)
      return `${appsPath}?done=deleted`
    },
  }
  for (const [verb, end] of Object.entries(ends)) {
    router.get(`${appsPath}/:id/${verb}`, async (ctx) => {
      const { who, app } = await visitToEnd(ctx)
      const now = clock()
      const figures = await findAppFigures(db, [app.clientId], now)
      const described = describeApp(app, figures.get(app.clientId), null, now)
      visits.show(ctx, who, appsPath, 'oauth-app-end', { verb, app: described })
    })
    router.post(`${appsPath}/:id/${verb}`, async (ctx) => {
      sessions.checkForm(ctx, await readForm(ctx.req))
      seeOther(ctx, await end(await visitToEnd(ctx)))
    })
  }

  router.post(`${appsPath}/:id/resume`, async (ctx) => {
    sessions.checkForm(ctx, await readForm(ctx.req))
    const visit = await visitToChange(ctx)
    await resumeApp(db, requestOf(visit))
    seeOther(ctx, `${pageOf(visit)}?done=resumed`)
  })
}
