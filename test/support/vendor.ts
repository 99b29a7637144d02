// A vendor's own profile, written from nothing in a folder of its own: as unlike the packaged ones as it may be.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { makeFolder } from './profile-files.ts'

const words = (en: string) => ({ sentence: { en, fr: en }, detail: { en, fr: en } })

const profile = {
  name: 'acme',
  brand: { name: 'Acme "Ünï" Widgets', summary: 'Widgets & <more>.' },
  openapi: 'deep/contract.json',
  basePath: '/public/v2.1',
  hosts: { canonical: 'www', organizations: true, shortForms: { api: '/v2', 'eu-api': '/v2', go: '/x' } },
  modes: ['live'],
  credentials: {
    header: 'X-Acme-Token',
    refusedQueryParameters: ['token'],
    prefixes: {
      api_key: { live: 'ak_' },
      access_token: { live: 'at_' },
      refresh_token: 'rt_',
      authorization_code: 'ac_',
      platform_key: 'pk_',
      registration_token: 'rg_',
      registration_access_token: 'ra_',
    },
  },
  headers: {
    scope: 'X-Acme-Scopes',
    requestId: 'X-Acme-Trace',
    rateLimit: { limit: 'X-RL-Limit', remaining: 'X-RL-Left', reset: 'X-RL-Reset', resetAs: 'unix_seconds' },
  },
  envelope: {
    item: { ok: true, result: '{item}' },
    list: { ok: true, result: '{items}', paging: { page: '{page}', pages: '{total_pages}' } },
    problem: { ok: false, errors: [{ code: '{code}', text: '{message}', field: '{param}' }] },
    problemContentType: 'application/vnd.acme.error+json',
    codes: 'UPPER_CASE',
  },
  rateClasses: {
    constructor: { title: 'All', per: 'organization', windows: [{ requests: 1000, seconds: 10 }] },
    'failed-credentials': { title: 'Making', per: 'credential', windows: [{ requests: 500, seconds: 60 }] },
  },
  failedCredentials: { requests: 77, seconds: 60 },
  keyRotationDays: null,
  pagination: { style: 'page', defaultLimit: 2, maxLimit: 5 },
  scopeGrammar: 'verb:resource',
  scopes: {
    'read:widgets': { group: 'see', ...words('See widgets') },
    'assemble:widgets': { group: 'danger', ...words('Assemble widgets') },
  },
  oauth: {
    enabled: true,
    accessTokenSeconds: 300,
    authorizationCodeSeconds: 60,
    refreshTokenSeconds: 86_400,
    refreshGraceSeconds: 0,
    refreshIdleSeconds: null,
    defaultScopes: ['read:widgets'],
    dynamicRegistration: {
      policy: 'open',
      mode: 'live',
      rate: { requests: 5, seconds: 60 },
      unconsentedSeconds: 3600,
      idleSeconds: 3600,
    },
    clientMetadataDocuments: { enabled: true, mode: 'live' },
  },
  console: { keys: ['Developers', 'Tokens'] },
  sample: {
    rows: 'deep/rows/rows.json',
    organization: { name: 'Foo & <Co>', slug: 'foo-co' },
    app: 'Demo <app>',
    resources: {
      widgets: {
        idPrefix: 'w-',
        operations: {
          list: 'widgetsIndex',
          read: 'widgetsShow',
          create: 'widgetsMake',
          update: 'widgetsPatch',
          listBy: { operation: 'widgetsByColor', parameter: 'color', field: 'color' },
        },
      },
      shared: { idPrefix: 's_', operations: { list: 'sharedIndex', create: 'sharedMake' } },
      prefs: { idPrefix: 'p_', operations: { only: 'prefs' } },
    },
  },
}

const operation = (operationId: string, scopes: readonly string[], more: object = {}) => ({
  operationId,
  'x-required-scopes': scopes,
  'x-rate-class': 'constructor',
  responses: { '200': { description: 'Here it is' }, '201': { description: 'Made' } },
  ...more,
})
const json = { 'application/json': { schema: { type: 'object' } } }
const requestBody = { required: true, content: json }

// No parameter is described: it is the least that a vendor may write.
const contract = {
  openapi: '3.1.0',
  info: { title: 'Acme', version: '1' },
  paths: {
    '/widgets': {
      get: operation('widgetsIndex', ['read:widgets']),
      post: operation('widgetsMake', ['assemble:widgets'], {
        requestBody,
        'x-rate-class': 'failed-credentials',
      }),
    },
    '/widgets/{widget-id}': {
      get: operation('widgetsShow', ['read:widgets']),
      patch: operation('widgetsPatch', ['assemble:widgets'], { requestBody }),
    },
    '/shared': {
      parameters: [{ $ref: '#/components/parameters/Page' }],
      get: operation('sharedIndex', ['read:widgets'], {
        parameters: [{ $ref: '#/components/parameters/Per~1page' }],
      }),
      post: operation('sharedMake', ['assemble:widgets'], {
        requestBody: { $ref: '#/components/requestBodies/Shared' },
      }),
    },
    '/widgets/prefs': { get: operation('prefs', []) },
    '/colors/{color}.json': { get: operation('widgetsByColor', ['read:widgets']) },
    '/whoami': { get: operation('getMe', []) },
  },
}

const components = {
  parameters: {
    Page: { name: 'page', in: 'query', schema: { type: 'integer', maximum: 7 } },
    'Per/page': { name: 'limit', in: 'query', schema: { $ref: '#/components/schemas/Limit' } },
  },
  requestBodies: {
    Shared: {
      required: true,
      content: { 'application/json': { schema: { type: 'object', required: ['color'] } } },
    },
  },
  schemas: { Limit: { type: 'integer', maximum: 3 } },
}

const rows = {
  live: { widgets: [{ color: 'red' }, { color: 'blue' }, { color: 'red' }], prefs: [{ zone: 'UTC' }] },
}

/** The path of its file; the files are gone after the test. */
export function vendorProfile(t: TestContext): string {
  const folder = makeFolder(t)
  mkdirSync(join(folder, 'deep', 'rows'), { recursive: true })
  const files = {
    'acme.json': profile,
    [profile.openapi]: { ...contract, components },
    [profile.sample.rows]: rows,
  }
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), JSON.stringify(content))
  return join(folder, 'acme.json')
}
