// Pages that change a key: rotate, end an overlap, revoke, deactivate, activate, delete. Before anything stops,
// a page says what will: who used the key last, when, and what it may do.
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Db } from '../db/connect.ts'
import {
  activateKey,
  deactivateKey,
  deleteKey,
  type KeyChangeRequest,
  revokeKey,
} from '../keys/change-key.ts'
import type { ApiKey } from '../keys/key.ts'
import { requireWithin } from '../keys/key-limits.ts'
import { endOverlap, overlaps, rotateKey } from '../keys/rotate-key.ts'
import { daySeconds, hourSeconds } from '../lib/time.ts'
import { readForm } from '../web/body.ts'
import { seeOther } from '../web/see-other.ts'
import { describeListing } from './key-words.ts'
import { type KeysPagesParts, type KeyVisit, keysPath, limitsOf, mayManage, visitKey } from './keys-pages.ts'
import { refusedToRole, requireRunning } from './visit.ts'

type Change = (db: Db, request: KeyChangeRequest) => Promise<ApiKey>

/**
 * Each with a page of its own before it, also in an account that is suspended: a key that has leaked must not come
 * back with it; `after` is where one lands.
 */
const changes = {
  revoke: { change: revokeKey, after: () => `${keysPath}?done=revoked` },
  deactivate: { change: deactivateKey, after: (key: ApiKey) => `${keysPath}/${key.id}?done=deactivated` },
  delete: { change: deleteKey, after: () => `${keysPath}?done=deleted` },
} as const satisfies Record<string, { change: Change; after: (key: ApiKey) => string }>

const overlapWords: Readonly<Record<number, string>> = {
  0: 'Stop it now',
  [hourSeconds]: 'After 1 hour',
  [24 * hourSeconds]: 'After 24 hours',
  [7 * daySeconds]: 'After 7 days',
}
const usualOverlap = 24 * hourSeconds

export function addKeyChangePages(router: Router, parts: KeysPagesParts): void {
  const { db, profile, format, visits, sessions, reveals, clock } = parts

  for (const [verb, { change, after }] of Object.entries(changes)) {
    router.get(`${keysPath}/:id/${verb}`, async (ctx) => {
      const { who, listing } = await visitKey(ctx, parts)
      const key = describeListing(listing, profile.keyRotationDays, clock())
      visits.show(ctx, who, keysPath, 'api-key-end', { verb, key })
    })
    router.post(`${keysPath}/:id/${verb}`, async (ctx) => {
      sessions.checkForm(ctx, await readForm(ctx.req))
      const { who, listing } = await visitKey(ctx, parts)
      seeOther(ctx, after(await change(db, requestOf(who, listing.key))))
    })
  }

  const requestOf = (
    who: Parameters<typeof mayManage>[0],
    { id, organization }: ApiKey,
  ): KeyChangeRequest => ({
    reach: { organization, mode: 'any' },
    id,
    by: who.by,
    now: clock(),
    check: (key) => {
      if (!mayManage(who, key)) throw refusedToRole()
    },
  })

  // Undone with one more step, and nothing stops by them that was not about to.
  for (const [verb, change] of Object.entries({ activate: activateKey, 'end-overlap': endOverlap })) {
    router.post(`${keysPath}/:id/${verb}`, async (ctx) => {
      sessions.checkForm(ctx, await readForm(ctx.req))
      const { who, listing } = await visitKey(ctx, parts)
      requireRunning(who.current)
      const { id } = await change(db, requestOf(who, listing.key))
      seeOther(ctx, `${keysPath}/${id}?done=${verb === 'activate' ? 'activated' : 'overlap-ended'}`)
    })
  }

  const showRotate = (ctx: Context, { who, listing }: KeyVisit, attempt: string, mistake: string | null) => {
    const props = {
      key: describeListing(listing, profile.keyRotationDays, clock()),
      attempt,
      mistake,
      overlaps: overlaps.map((seconds) => ({
        seconds,
        words: overlapWords[seconds],
        isUsual: seconds === usualOverlap,
      })),
    }
    visits.show(ctx, who, keysPath, 'api-key-rotate', props, mistake ? 422 : 200)
  }

  router.get(`${keysPath}/:id/rotate`, async (ctx) => {
    const visit = await visitKey(ctx, parts)
    requireRunning(visit.who.current)
    showRotate(ctx, visit, reveals.newAttempt(), null)
  })

  router.post(`${keysPath}/:id/rotate`, async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const visit = await visitKey(ctx, parts)
    const { who, listing } = visit
    requireRunning(who.current)
    const attempt = form.get('attempt') ?? ''
    const overlap = overlaps.find((seconds) => String(seconds) === form.get('overlap'))
    if (overlap === undefined) return showRotate(ctx, visit, attempt, 'Choose when the old key should stop.')
    const limits = limitsOf(who, profile)
    await reveals.make(ctx, who.person.id, attempt, async (tx) => {
      const request = requestOf(who, listing.key)
      const { key, secret } = await rotateKey(
        tx,
        format,
        { ...request, check: (wanted) => requireWithin(limits, wanted) },
        overlap,
      )
      return { subject: key.id, secret }
    })
    seeOther(ctx, `${keysPath}/created`)
  })
}
