// The rules behind the consent page, each without a server.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { App } from '../../src/apps/app.ts'
import { loadProfile } from '../../src/core/profile.ts'
import { sha256 } from '../../src/lib/digest.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { defaultScopes } from '../../src/oauth/authorization-request.ts'
import { mayTellApp } from '../../src/oauth/interactions/broken-link.ts'
import { consentPage } from '../../src/oauth/interactions/consent-page.ts'
import { type Risks, warningOf } from '../../src/oauth/interactions/consent-warning.ts'
import { localeOfApp } from '../../src/oauth/interactions/locale.ts'
import { nextStep } from '../../src/oauth/interactions/next-step.ts'
import { isRegistered, redirectTarget } from '../../src/oauth/interactions/redirect-target.ts'
import { english } from '../../src/oauth/interactions/words-en.ts'
import { french } from '../../src/oauth/interactions/words-fr.ts'
import {
  type AskedConsent,
  newScopes,
  type RememberedConsent,
  recollect,
  remember,
} from '../../src/oauth/remembered-consent.ts'
import { fillHtml } from '../../src/web/fill-in.ts'

const profile = loadProfile('boothzen', join(packageRoot, 'profiles'))

const remembered: RememberedConsent = {
  organization: 'org_acme',
  slug: 'acme',
  scopes: ['read:bookings'],
  declinedScopes: ['read:customers'],
  resource: 'https://api.example/v1',
  redirectHosts: ['app.example'],
  fingerprint: sha256('the app as it was'),
}
const asked: AskedConsent = {
  redirectUri: 'https://app.example/callback',
  scopes: ['read:bookings'],
  resource: 'https://api.example/v1',
  organization: null,
  fingerprint: sha256('the app as it was'),
}

test('A22, D8: who need not be asked again, and why everybody else is', () => {
  const goesOn = { ask: null, organization: 'org_acme', scopes: ['read:bookings'] }
  const second = { ...remembered, organization: 'org_other', slug: 'other' } as const
  const table: readonly [string, Partial<AskedConsent>, readonly RememberedConsent[], unknown][] = [
    ['the same again', {}, [remembered], goesOn],
    ['the first time', {}, [], 'first_time'],
    ['more than before', { scopes: ['read:bookings', 'write:bookings'] }, [remembered], 'new_scope'],
    ['what was left out', { scopes: ['read:bookings', 'read:customers'] }, [remembered], goesOn],
    ['nothing but what was left out', { scopes: ['read:customers'] }, [remembered], 'new_scope'],
    ['another host', { redirectUri: 'https://b.example/callback' }, [remembered], 'new_redirect_host'],
    ['another port', { redirectUri: 'https://app.example:8443/' }, [remembered], 'new_redirect_host'],
    ['another path of the host', { redirectUri: 'https://app.example/other' }, [remembered], goesOn],
    ['loopback', { redirectUri: 'http://127.0.0.1:1/callback' }, [remembered], 'unproven_redirect'],
    ['a scheme', { redirectUri: 'com.example.app:/callback' }, [remembered], 'unproven_redirect'],
    ['an app that changed', { fingerprint: sha256('new name') }, [remembered], 'changed_app'],
    ['an app without its fingerprint', { fingerprint: null }, [remembered], 'changed_app'],
    ['another resource', { resource: 'https://other.example' }, [remembered], 'new_resource'],
    ['one of two accounts, not named', {}, [remembered, second], 'which_organization'],
    ['one of two accounts, by id', { organization: 'org_acme' }, [remembered, second], goesOn],
    ['one of two accounts, by slug', { organization: 'acme' }, [second, remembered], goesOn],
    ['another account', { organization: 'third' }, [remembered], 'new_organization'],
  ]
  for (const [name, change, memory, expected] of table) {
    const found = recollect({ ...asked, ...change }, memory)
    assert.deepEqual(found.ask === null ? found : found.ask, expected, name)
  }
})

test('nobody goes on with a scope that was never allowed, whatever is remembered', () => {
  const scopes = fc.subarray(['read:bookings', 'write:bookings', 'read:customers'])
  const memory = fc.array(
    fc.record({ scopes, declinedScopes: scopes, fingerprint: fc.constantFrom(null, sha256('a')) }),
    { maxLength: 3 },
  )
  fc.assert(
    fc.property(scopes, memory, (wanted, consents) => {
      const all = consents.map((consent) => ({ ...remembered, ...consent }))
      const found = recollect({ ...asked, scopes: wanted, fingerprint: null }, all)
      if (found.ask !== null) return
      assert.ok(found.scopes.length > 0)
      const allowed = all.filter(({ fingerprint }) => fingerprint === null).flatMap((it) => it.scopes)
      for (const scope of found.scopes) assert.ok(allowed.includes(scope) && wanted.includes(scope), scope)
    }),
  )
})

test('what is remembered: more each time, less what is left unticked, and nothing of an app that has changed', () => {
  const now = {
    scopes: ['write:bookings'],
    declinedScopes: [],
    resource: remembered.resource,
    redirectUri: 'https://b.example:8443/x',
    fingerprint: remembered.fingerprint,
  }
  const more = remember(remembered, now)
  assert.deepEqual(more.scopes, ['read:bookings', 'write:bookings'])
  assert.deepEqual(more.declinedScopes, ['read:customers'])
  assert.deepEqual(more.redirectHosts, ['app.example', 'b.example:8443'])
  const ticked = remember(remembered, { ...now, scopes: ['read:customers'] })
  assert.deepEqual([ticked.scopes, ticked.declinedScopes], [['read:bookings', 'read:customers'], []])
  const unticked = remember(remembered, { ...now, declinedScopes: ['read:bookings'] })
  assert.deepEqual(unticked.scopes, ['write:bookings'])
  const changed = remember(remembered, { ...now, fingerprint: null })
  assert.deepEqual([changed.scopes, changed.redirectHosts], [['write:bookings'], ['b.example:8443']])
  assert.deepEqual(newScopes(['read:bookings', 'write:bookings'], [remembered]), ['write:bookings'])
  assert.deepEqual(
    newScopes(['read:customers'], [remembered]),
    [],
    'what was left unticked was decided about',
  )
  assert.deepEqual(newScopes(['read:bookings'], []), [], 'of an app that is new nothing is marked')
})

test('A28: one warning at most, of the greatest risk', () => {
  const none: Risks = {
    isVerified: true,
    sendsBackTo: 'web',
    mayDelegate: true,
    groups: ['see'],
    hasNewScopes: false,
  }
  const table: readonly [Partial<Risks>, ReturnType<typeof warningOf>][] = [
    [{}, null],
    [{ hasNewScopes: true }, 'newScopes'],
    [{ hasNewScopes: true, groups: ['see', 'change'] }, 'administrator'],
    [{ groups: ['danger'], mayDelegate: false }, null],
    [{ isVerified: false, hasNewScopes: true, groups: ['danger'] }, 'unverified'],
    [{ isVerified: false, sendsBackTo: 'computer' }, 'unverifiedOnThisComputer'],
    [{ isVerified: false, sendsBackTo: 'device' }, 'unverifiedOnThisComputer'],
  ]
  for (const [change, expected] of table) {
    assert.equal(warningOf({ ...none, ...change }), expected, JSON.stringify(change))
  }
})

test('A24: who is told of a refusal before anybody signed in', () => {
  const open = { isVerified: false, registration: 'dynamic' } as const
  const manual = { isVerified: false, registration: 'manual' } as const
  const web = { redirectUri: 'https://evil.example/?error=x', isKnownToPerson: false }
  const silent = { ...web, isSilent: true, error: 'login_required' }
  const here = { ...silent, redirectUri: 'http://127.0.0.1:9/callback' }
  const table: readonly [string, Parameters<typeof mayTellApp>[0], boolean][] = [
    ['a verified app', { ...web, app: { ...open, isVerified: true }, isSilent: false, error: 'x' }, true],
    ['nobody knows it', { ...silent, app: null }, false],
    ['a broken link', { ...web, app: manual, isSilent: false, error: 'invalid_request' }, false],
    ['a broken silent link', { ...silent, app: manual, error: 'invalid_request' }, false],
    ['silent, of an organization', { ...silent, app: manual }, true],
    ['silent, self-registered', { ...silent, app: open }, false],
    ['silent, self-registered, on this computer', { ...here, app: open }, true],
    ['silent, self-registered, allowed before', { ...silent, app: open, isKnownToPerson: true }, true],
    ['silence alone is not enough', { ...here, app: open, error: 'invalid_scope' }, false],
  ]
  for (const [name, refusal, expected] of table) assert.equal(mayTellApp(refusal), expected, name)
})

test('A20: what a request without a scope is for', () => {
  const app = { scopes: ['read:bookings', 'read:customers', 'write:bookings'], optionalScopes: [] }
  const other = { scopes: ['read:customers', 'write:bookings'], optionalScopes: ['write:bookings'] }
  assert.deepEqual(defaultScopes(profile, app), ['read:bookings'])
  assert.deepEqual(defaultScopes(profile, other), ['read:customers'], 'what it needs')
  assert.deepEqual(defaultScopes(profile, { ...other, optionalScopes: other.scopes }), other.scopes)
  assert.deepEqual(defaultScopes(profile, { scopes: [], optionalScopes: [] }), [])
})

test('where a person is sent back to: the whole host, never shortened', () => {
  const target = (uri: string) => Object.values(redirectTarget(uri)).join(' ')
  assert.equal(target('https://b\u00fccher.example:8443/x'), 'web xn--bcher-kva.example:8443')
  assert.equal(target('https://a.very.long.sub.domain.co.uk/x'), 'web a.very.long.sub.domain.co.uk')
  assert.equal(target('http://[::1]:51004/cb'), 'computer [::1]:51004')
  assert.equal(target('com.example.app:/cb'), 'device com.example.app:')
  const registered = ['http://127.0.0.1/cb', 'https://app.example/cb']
  assert.ok(isRegistered('http://127.0.0.1:51004/cb', registered))
  for (const uri of ['http://127.0.0.1:1/other', 'https://app.example:8443/cb', 'http://127.0.0.2/cb'])
    assert.ok(!isRegistered(uri, registered), uri)
})

test('the next step on the way', () => {
  const at = {
    prompt: 'consent',
    reasons: ['nothing_remembered'],
    person: 'person_ann',
    begunBy: 'person_ann',
    requestedScopes: ['read:bookings'],
  } as const
  const step = (change: object) => nextStep({ ...at, ...change }).step
  assert.equal(step({}), 'consent')
  assert.equal(step({ person: null }), 'sign-in')
  assert.equal(step({ prompt: 'login', reasons: ['no_session'] }), 'finish-sign-in')
  assert.equal(step({ prompt: 'login', reasons: ['login_prompt', 'no_session'] }), 'sign-in')
  assert.equal(step({ begunBy: 'person_bob' }), 'another-person')
  assert.equal(step({ requestedScopes: [] }), 'refuse-scope')
})

test('the language: what the app says of the person, else nothing', () => {
  const table = [
    ['fr', 'fr'],
    ['fr-CA en', 'fr'],
    ['de EN-gb fr', 'en'],
    ['fro', null],
    ['de', null],
    ['', null],
    [['fr'], null],
    [undefined, null],
  ] as const
  for (const [said, expected] of table) assert.equal(localeOfApp(said), expected, String(said))
})

test('both languages fill the same gaps, and leave nothing unsaid', () => {
  const sentences = (words: object, path = ''): [string, string][] =>
    Object.entries(words).flatMap(([name, said]) =>
      typeof said === 'object' ? sentences(said, `${path}.${name}`) : [[`${path}.${name}`, String(said)]],
    )
  const gaps = (sentence: string) => [...sentence.matchAll(/\{\w+\}/g)].map(String).sort()
  const [en, fr] = [new Map(sentences(english)), new Map(sentences(french))]
  for (const [path, sentence] of en) {
    if (path === '.error.say') continue
    assert.deepEqual(gaps(fr.get(path) ?? ''), gaps(sentence), path)
    assert.notEqual(fr.get(path) ?? '', '', path)
  }
  assert.equal(en.size, fr.size)
})

test('U14, D9: what an app says of itself is escaped, isolated, cut, and linked by https alone', () => {
  const hostile = '<img src=x onerror=alert(1)>\u202egro.knab\u200b&"\u0007'
  assert.equal(
    fillHtml("{app} wants {brand}'s", { app: hostile }),
    `<bdi>${hostile.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')}</bdi> wants {brand}&#39;s`,
  )
  const app: App = {
    clientId: 'https://client.example:8443/metadata.json',
    organization: null,
    registration: 'metadata_document',
    mode: 'live',
    name: hostile.repeat(400),
    homepage: 'javascript:alert(1)',
    policyUri: 'https://boothzen.example@evil.example/',
    termsUri: 'https://b\u00fccher.example/terms?a="><script>',
    redirectUris: ['https://client.example:8443/cb'],
    scopes: ['read:bookings'],
    optionalScopes: [],
    refreshGraceSeconds: 60,
    refreshLifetimeSeconds: 60,
    refreshIdleSeconds: null,
    reuseResponse: 'revoke',
    requiresDpop: false,
    isVerified: false,
    isSuspended: false,
    createdAt: new Date(),
    isStopped: false,
    fingerprint: null,
  }
  const page = consentPage(profile, english, {
    app,
    logo: null,
    madeBy: null,
    redirectUri: 'https://client.example:8443/cb',
    email: 'ann@acme.example',
    memberships: [],
    scopes: ['read:bookings'],
    organization: null,
    remembered: [],
    filledIn: { organization: null, optional: [] },
  })
  assert.ok(page.app.length <= 101)
  for (const unseen of ['\u202e', '\u200b', '\u0007']) assert.ok(!page.app.includes(unseen))
  assert.equal(page.describedAt, 'client.example:8443', 'the host of its client_id')
  assert.deepEqual(
    page.links.map(({ host, href }) => [host, href]),
    [['xn--bcher-kva.example', 'https://xn--bcher-kva.example/terms?a=%22%3E%3Cscript%3E']],
  )
})
