// What has ended, and why, in words; and lists that are longer than a page.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import { deleteApp } from '../../src/apps/register-app.ts'
import { type Action, record } from '../../src/audit/record.ts'
import { byServer } from '../../src/core/attribution.ts'
import { insertGrant } from '../../src/oauth/grant-store.ts'
import { openConnected as open, connectedPath as path, textOf } from '../support/connected-apps.ts'

test('what has ended in the last 30 days is listed with its cause in words, and with what to do about it', async (t) => {
  const { house, acme, other, app, ids, ann } = await open(t)
  const gone = await house.app(other, { name: 'Gone' })
  const tell = (action: Action, cause: string, more: Readonly<Record<string, string>> = {}) =>
    house.database.knex.transaction((tx) =>
      record(tx, {
        organization: acme.id,
        by: byServer,
        action,
        target: `grant_${cause.padEnd(24, '0')}`,
        details: { cause, client: app.clientId, person: ids.ben, ...more },
      }),
    )
  const list = async (query = 'of=account&org=acme') => textOf((await ann.open(`${path}?${query}`)).html)

  await tell('refresh_token.reused', 'reuse', { response: 'refused' })
  assert.doesNotMatch(await list(), /Recently ended/, 'what was refused and no more has ended nothing')
  await tell('grant.revoked', 'revoked_by_client', { client: gone.clientId })
  await insertGrant(house.database.knex, {
    ...{ id: `grant_${'g'.repeat(24)}`, client: gone.clientId, person: ids.ben, organization: acme.id },
    ...{
      mode: 'test',
      scopes: [],
      resource: 'r',
      createdAt: new Date(),
      expiresAt: new Date(Date.now() + 9e6),
    },
  })
  await deleteApp(house.database.knex, gone.clientId, byServer)
  assert.match(await list(), /Gone just now , whoever had allowed it The app was deleted/)
  assert.match(await list(), /An app that is gone .* allowed by ben@acme\.example The app gave it back/)

  const expected: Readonly<Record<string, readonly [Action, RegExp]>> = {
    lost_response: ['refresh_token.reused', /The app missed an answer.*its makers can allow more time/],
    race: ['refresh_token.reused', /The app asked twice at once.*one part should ask/],
    stale_client: ['refresh_token.reused', /An old copy of the app came back.*put back from a backup/],
    reuse: [
      'refresh_token.reused',
      /used from two places.*may have been copied, so we ended this access.*Ask whoever allowed it.*make that computer safe/,
    ],
    challenge_reused: ['grant.revoked', /asked with what it had used before/],
    allowed_again: ['grant.revoked', /The same request was allowed again/],
    code_replayed: ['grant.revoked', /A sign-in code was used twice/],
    revoked_by_operator: ['grant.revoked', /Removed by an administrator/],
    revoked_by_person: ['grant.revoked', /Removed by whoever had allowed it/],
    member_removed: ['grant.revoked', /left the account/],
    member_demoted: ['grant.revoked', /no administrator any more/],
    person_disabled: ['grant.revoked', /was disabled/],
    app_narrowed: ['grant.revoked', /The app gave up what it was allowed/],
    something_new: ['grant.revoked', /Ended\. The audit log says more/],
  }
  for (const [cause, [action, words]] of Object.entries(expected)) {
    await tell(action, cause, action === 'refresh_token.reused' ? { response: 'revoked' } : {})
    assert.match(
      await list(),
      new RegExp(`Recently ended.*?Calendar Sync just now , allowed by ben.*?${words.source}`),
    )
  }
  const link = /<a href="(\/admin\/audit-log[^"]+target=grant_reuse0+)"/
  const account = await ann.open(`${path}?of=account&org=acme`)
  const entry = link.exec(account.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
  assert.match(
    textOf((await ann.open(entry)).html),
    /Cause Its tokens were used from two places App Calendar Sync Person ben@acme\.example Response The access ended/,
  )
  await tell('grant.revoked', 'constructor')
  assert.match(await list(), /Recently ended.*?Ended\. The audit log says more/)
  assert.doesNotMatch(await list('org=acme'), /Recently ended/, "what another had allowed is not one's own")
  await tell('grant.revoked', 'revoked_by_client', { person: ids.ann })
  assert.match(
    await list('org=acme'),
    /Recently ended .* Calendar Sync just now , for Acme The app gave it back/,
  )

  // Those above and 10 more make a second page.
  for (let time = 0; time < 10; time += 1) await tell('grant.revoked', 'member_removed')
  const first = await ann.open(`${path}?of=account&org=acme`)
  const older = /href="([^"]+)#ended">Older/.exec(first.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const second = await ann.open(older)
  const causes = (html: string) => html.match(/<li class="(plain|notice|danger)">/g)?.length ?? 0
  assert.deepEqual([causes(first.html), causes(second.html)], [20, 9])
  assert.match(second.html, /#ended">Newest/)

  await house.asOwner(
    `update audit_events set at = at - interval '31 days' where action <> 'person.signed_in'`,
  )
  assert.doesNotMatch(await list(), /Recently ended/)
})

test('more apps than a page holds, and more installs than a list shows, are paged through', async (t) => {
  const { house, acme, other, app, ids, ann } = await open(t)
  const insert = (n: number, client: App['clientId']) =>
    insertGrant(house.database.knex, {
      ...{ id: `grant_${String(n).padStart(24, '0')}`, client, person: ids.ann, organization: acme.id },
      ...{
        mode: 'test',
        scopes: ['read:bookings'],
        resource: 'r',
        createdAt: new Date(Date.now() - n * 1000),
      },
      expiresAt: new Date(Date.now() + 9e6),
    })
  for (let n = 1; n <= 27; n += 1) await insert(n, (await house.app(other, { name: `App ${n}.` })).clientId)
  for (let n = 100; n < 160; n += 1) await insert(n, app.clientId)
  const namesOn = (html: string) =>
    [...html.matchAll(/<h2><a href="[^"]+"><bdi>([^<]+)/g)].map(([, name]) => name)
  const next = (html: string, word: string) =>
    new RegExp(`href="([^"]+)">${word}`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const first = await ann.open(path)
  const second = await ann.open(next(first.html, 'Older'))
  assert.equal(namesOn(first.html).length, 25)
  assert.deepEqual(namesOn(second.html), ['App 26.', 'App 27.', 'Calendar Sync'])
  assert.doesNotMatch(second.html, />Older/)
  assert.deepEqual(namesOn((await ann.open(next(second.html, 'Newest'))).html), namesOn(first.html))

  const installsOn = (html: string) => html.match(/\/remove-install"/g)?.length ?? 0
  assert.equal(installsOn(second.html), 10)
  const all = await ann.open(next(second.html, 'See all 60 installs'))
  const rest = await ann.open(next(all.html, 'Older'))
  assert.deepEqual([installsOn(all.html), installsOn(rest.html)], [50, 10])
  const oldest = await ann.open(`${path}/grant_${'159'.padStart(24, '0')}/remove-install`)
  assert.match(textOf(oldest.html), /Remove this install of Calendar Sync \?.*The other 59 installs go on/)
  await ann.submit(oldest, {})
  assert.equal((await house.database.knex('grants')).length, 86)
})

test('old and new values of a change stand in the audit log by their names', async (t) => {
  const { house, acme, ann } = await open(t)
  await house.database.knex.transaction((tx) =>
    record(tx, {
      ...{ organization: acme.id, by: byServer, action: 'app.updated', target: `app_${'u'.repeat(24)}` },
      details: {
        from: { redirect_uris: ['https://old.example/cb'], name: 'Old' },
        to: { redirect_uris: ['https://new.example/cb', 'com.example:/cb'], name: 'New' },
        registration: 'metadata_document',
      },
    }),
  )
  assert.match(
    textOf((await ann.open('/admin/audit-log?action=app.updated')).html),
    /Name, after New Redirect addresses, after https:\/\/new\.example\/cb com\.example:\/cb Name, before Old Redirect addresses, before https:\/\/old\.example\/cb Registration By the app itself, in a document/,
  )
})
