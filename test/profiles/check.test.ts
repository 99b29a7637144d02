// Checking a profile: every mistake of all its files, each named by its path, in words that say what to do.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { colorForDark, contrast } from '../../src/core/accent.ts'
import { sayMistake } from '../../src/core/mistakes.ts'
import { loadProfile } from '../../src/core/profile.ts'
import { profileJsonSchema } from '../../src/core/profile-schema.ts'
import { findJsonMistake } from '../../src/lib/json-mistake.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { StartupError } from '../../src/lib/startup-error.ts'
import { checkProfile, type FileMistake } from '../../src/profiles/check-profile.ts'
import { type ProfileFiles, packagedFolder, profileFiles } from '../support/profile-files.ts'

// What handles operations is for the contract's tests: here everything is handled.
const everything = { keys: () => ids, has: () => true }
let ids: string[] = []
const packaged = loadProfile('boothzen', packagedFolder)
const handledIds = () => ({
  tenant: everything,
  platform: { keys: () => ['createOrganizationApiKey'] },
  optional: new Set(['createOrganizationApiKey', ...ids]),
  unfit: new Map(),
})

function check({ file, folder }: ProfileFiles) {
  const document = JSON.parse(readFileSync(join(packagedFolder, 'openapi/boothzen.json'), 'utf8'))
  ids = Object.values<Record<string, { operationId?: string; 'x-credential'?: string }>>(document.paths)
    .flatMap((item) => Object.values(item))
    .flatMap((it) => (it.operationId && it['x-credential'] !== 'platform' ? [it.operationId] : []))
  return checkProfile(file, { packaged: folder, publicUrl: 'https://api.example.test', handledIds })
}

const said = (them: readonly FileMistake[]) => them.map((it) => `${it.file}: ${sayMistake(it)}`)

const changed = (t: TestContext, values: Readonly<Record<string, unknown>>) => {
  const files = profileFiles(t)
  files.change('boothzen.json', values)
  return said(check(files).mistakes).map((line) => line.replace('boothzen.json: ', ''))
}

test('a packaged profile has no mistakes, and nothing that it does not use', (t) => {
  const { mistakes, warnings, profile } = check(profileFiles(t))
  assert.deepEqual([said(mistakes), said(warnings)], [[], []])
  assert.equal(profile?.name, 'boothzen')
})

test('mistakes in fields are told all at once, each by its path, beside what was written', (t) => {
  const lines = changed(t, {
    'scopes.read:bookings.sentence.fr': undefined,
    'brand.nam': 'BoothZen',
    'brand.summary': null,
    basePath: 'api',
    modes: 'live',
    keyRotationDays: -2,
    'pagination.style': 'pge',
    'pagination.maxLimit': '100',
    'oauth.accessTokenSeconds': 1.5,
    'scopes.Bad': packaged.scopes['read:customers'],
    'envelope.item': '{itm}',
    'console.keys': [],
    problems: { key_not_fond: {} },
    rateClasses: undefined,
    name: 'A B',
    'credentials.prefixes.api_key.live': 'bz-live',
  })
  assert.deepEqual(lines.sort(), [
    'basePath: is "api", but must be a path like "/api/v1"',
    'brand.nam: is no field that a profile has; did you mean "name"?',
    'brand.summary: must be a text, and is null',
    'console.keys: must not be empty',
    'credentials.prefixes.api_key.live: is "bz-live", but must be a prefix like "acme_live_"',
    'envelope.item: names {itm}; there are {item}, {message}, {request_id}, {status}',
    'keyRotationDays: is -2, but must be more than 0',
    'modes: must be a list, and is "live"',
    'name: is "A B", but must be a word of small letters like "acme"',
    'oauth.accessTokenSeconds: must be a whole number, and is 1.5',
    'pagination.maxLimit: must be a number, and is "100"',
    'pagination.style: is "pge", but must be one of "cursor", "page", "link"',
    'problems.key_not_fond: is no field that a profile has; did you mean "key_not_found"?',
    'rateClasses: is missing',
    'scopes.Bad: the name "Bad" must be two words with a colon',
    'scopes.read:bookings.sentence.fr: is missing',
  ])
})

test('what fields say of one another is checked too: prefixes, modes, scopes, colors', (t) => {
  const lines = changed(t, {
    'credentials.prefixes.refresh_token': 'bz_oac_',
    modes: ['live'],
    'oauth.defaultScopes': ['keys:read'],
    'brand.accent': { light: '#e0b400', dark: '#1a4fd0' },
    'pagination.defaultLimit': 500,
  })
  assert.match(
    lines.join('\n'),
    /brand\.accent\.light: is #e0b400, whose contrast to the light page \(#\w{6}\) is 1\.\d\d; it must be 4\.5: choose a darker one/,
  )
  assert.match(
    lines.join('\n'),
    /brand\.accent\.dark: is #1a4fd0, whose contrast .* is 2\.\d\d; it must be 4\.5: choose a lighter one/,
  )
  for (const expected of [
    'credentials.prefixes.authorization_code: is "bz_oac_", as refresh_token is: a prefix tells what a secret is',
    'credentials.prefixes.api_key.test: is there, and modes does not list test',
    'oauth.defaultScopes.0: is "keys:read", which no app may ask for',
    'pagination.defaultLimit: must not be more than maxLimit',
  ])
    assert.ok(lines.includes(expected), expected)
  assert.equal(lines.length, 7)
})

test('an API does not hide the pages of the server, and headers are told apart', (t) => {
  const lines = changed(t, {
    basePath: '/oauth/v1',
    'hosts.shortForms': { app: '/docs', api: '/docs' },
    'credentials.header': 'Cookie',
    'headers.scope': 'x-request-id',
    'headers.requestId': 'X-Request-Id',
    'headers.rateLimit.reset': 'Content-Type',
  })
  assert.deepEqual(lines, [
    'basePath: begins with /oauth, where the server has pages of its own',
    'hosts.shortForms.app: is the canonical host: basePath is there already',
    'credentials.header: is Cookie, which has a meaning of its own in HTTP',
    'headers.requestId: is X-Request-Id, as headers.scope is',
    'headers.rateLimit.reset: is Content-Type, which has a meaning of its own in HTTP',
  ])
})

test('the document: each schema that can not be used, by its operation, in words of the document', (t) => {
  const files = profileFiles(t)
  files.change('openapi/boothzen.json', {
    'components.schemas.A': { $ref: '#/components/schemas/B' },
    'components.schemas.B': { $ref: '#/components/schemas/A' },
    'paths./bookings.post.requestBody.content': {
      'application/json': { schema: { $ref: '#/components/schemas/A' } },
    },
    'paths./keys.post.requestBody.content': {
      'application/json': { schema: { $ref: '#/components/schemas/None' } },
    },
    'paths./bookings.get.parameters': [{ name: 'a', in: 'query' }],
    'paths./customers.get.parameters': [{ name: 'a', in: 'query', schema: { type: 'strng' } }],
  })
  assert.deepEqual(
    said(check(files).mistakes).map((line) => line.replace('openapi/boothzen.json: ', '')),
    [
      'paths./bookings.get: parameters.0.schema is missing',
      'paths./bookings.post: has a $ref that leads back to itself',
      "paths./customers.get: has a schema that can't be used: type must be JSONType or JSONType[]: strng",
      'paths./keys.post: has the $ref #/components/schemas/None, where there is nothing',
    ],
  )
  files.change('openapi/boothzen.json', {
    openapi: '3.0.3',
    'components.schemas.C': { $id: 'contract' },
    'paths./bookings.get.parameters': [{ $ref: '#/components/parameters/Limit' }],
    'paths./bookings.post.responses': undefined,
    'paths./keys.get.x-required-scopes': 'keys:read',
  })
  assert.deepEqual(
    said(check(files).mistakes).map((line) => line.replace('openapi/boothzen.json: ', '')),
    [
      'openapi: is "3.0.3", but must be a version such as "3.1.0"',
      'paths./bookings.get.parameters.0: is a $ref; it must be written out here',
      'paths./bookings.post.responses: is missing',
      'paths./keys.get.x-required-scopes: must be a list, and is "keys:read"',
    ],
  )
})

test('what the first start would refuse is a mistake before: slugs, lifetimes, windows without end', (t) => {
  const lines = changed(t, {
    'sample.organization.slug': 'A B',
    'oauth.refreshTokenSeconds': 2 ** 40,
    'oauth.refreshIdleSeconds': 5,
    'rateClasses.default.windows': [{ requests: 1, seconds: 2_592_000 }],
  })
  assert.deepEqual(lines.sort(), [
    'oauth.refreshIdleSeconds: is 5, but must be at least 60',
    'oauth.refreshTokenSeconds: is 1099511627776, but must be at most 315360000',
    'rateClasses.default.windows.0.seconds: is 2592000, but must be at most 2147483',
    'sample.organization.slug: is "A B", but must be 1 to 63 of a-z, 0-9 and hyphens, with none at its ends',
  ])
})

test('a server does not start with a color that can not be read', (t) => {
  const { file, folder, change } = profileFiles(t)
  change('boothzen.json', { 'brand.accent.light': '#e0b400' })
  assert.throws(
    () => loadProfile(file, folder),
    (thrown) => thrown instanceof StartupError && /brand\.accent\.light: is #e0b400/.test(thrown.message),
  )
})

test('contrast is that of WCAG, and the color for dark pages is found from the light one', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21)
  assert.equal(contrast('#777777', '#ffffff').toFixed(2), '4.48')
  assert.ok(contrast(colorForDark('#0f766e'), '#1a2027') >= 4.5)
})

test('the document: scopes and classes that there are not, operations that nothing handles, unused ones', (t) => {
  const files = profileFiles(t)
  const slow = { title: 'Slow ones', per: 'credential', windows: [{ requests: 1, seconds: 60 }] }
  files.change('boothzen.json', {
    'scopes.read:bokings': packaged.scopes['read:bookings'],
    'scopes.read:bookings': undefined,
    'oauth.defaultScopes': [],
    'rateClasses.slow': slow,
  })
  files.change('openapi/boothzen.json', {
    'paths./customers.get.x-rate-class': 'slwo',
    'paths./customers.get.operationId': 'listPeople',
  })
  const { mistakes, warnings } = check(files)
  const lines = said(mistakes).join('\n')
  assert.match(
    lines,
    /openapi\/boothzen\.json: paths\.\/bookings\.get\.x-required-scopes\.0: listBookings requires the scope "read:bookings", which the profile does not list\. Did you mean "read:bokings"\?/,
  )
  assert.match(
    lines,
    /paths\.\/customers\.get\.x-rate-class: listPeople is of the rate class "slwo".* Did you mean "slow"\?/,
  )
  assert.match(lines, /listPeople is in the document, but nothing handles it\./)
  assert.deepEqual(said(warnings), [
    'boothzen.json: scopes.read:bokings: is required by no operation of the document',
    'boothzen.json: rateClasses.slow: is the class of no operation of the document',
  ])
})

test('the document: references of answers that lead nowhere, or back to themselves', (t) => {
  const files = profileFiles(t)
  files.change('openapi/boothzen.json', {
    'components.schemas.A': { $ref: '#/components/schemas/B' },
    'components.schemas.B': { $ref: '#/components/schemas/A' },
    'paths./keys.get.responses.404': { $ref: '#/components/responses/Nowhere' },
  })
  assert.deepEqual(
    said(check(files).mistakes).map((line) => line.replace('openapi/boothzen.json: ', '')),
    [
      'components.schemas.A: has a $ref that leads back to itself',
      'components.schemas.B: has a $ref that leads back to itself',
      'paths./keys.get.responses.404: has the $ref #/components/responses/Nowhere, where there is nothing',
    ],
  )
})

test('sample rows are read as the API would answer with them, by the schema of the document', (t) => {
  const files = profileFiles(t)
  const rows = readFileSync(join(files.folder, 'sample/boothzen.json'), 'utf8')
  const { length } = JSON.parse(rows).test.customers
  const noEmails = Array.from({ length }, (_, index) => [`test.customers.${index}.email`, undefined])
  files.change('sample/boothzen.json', {
    'live.bookings.1.status': 'lost',
    'live.bookings.2.starts_at.hour': 24,
    ...Object.fromEntries(noEmails),
  })
  assert.deepEqual(said(check(files).mistakes), [
    'sample/boothzen.json: live.bookings.1.status: must be one of ["pending","confirmed","cancelled"]',
    'sample/boothzen.json: live.bookings.2.starts_at: must be string',
    "sample/boothzen.json: test.customers: every row: must have required property 'email'",
  ])
  files.change('sample/boothzen.json', { 'live.boats': [{}] })
  assert.match(
    said(check(files).mistakes).join(),
    /The sample has rows of boats, which the profile's sample\.resources lacks/,
  )
})

test('files that can not be read, and text that is no JSON, with line and column', (t) => {
  const files = profileFiles(t)
  files.change('boothzen.json', { openapi: 'openapi/none.json' })
  files.write('sample/boothzen.json', '{\n  "live": {},\n}')
  assert.deepEqual(said(check(files).mistakes), [
    `openapi/none.json: the profile boothzen names ${join(files.folder, 'openapi/none.json')}, which can't be read.`,
    `sample/boothzen.json: ${join(files.folder, 'sample/boothzen.json')} is not valid JSON, line 2, column 13: a comma stands before }.`,
  ])
  files.write('boothzen.json', '{ "name": "boothzen"\n  "brand": {} }')
  assert.match(said(check(files).mistakes).join(), /line 2, column 3: a comma or } is missing before this/)
})

test('a name that no packaged profile has: the nearest one, all of them, and how a file is named', () => {
  const parts = { packaged: packagedFolder, publicUrl: 'https://api.example.test', handledIds }
  assert.deepEqual(said(checkProfile('boothsen', parts).mistakes), [
    'boothsen.json: PROFILE is "boothsen", and no packaged profile is called so. Did you mean "boothzen"? There are: boooply, boothzen, busyboard, evalyo; the path of a file of your own ends with .json.',
  ])
  assert.match(said(checkProfile('./acme', parts).mistakes).join(), /a file of your own ends with \.json\.$/)
})

test('a byte order mark is no mistake; text without end, and a tree without end, are told as such', (t) => {
  const files = profileFiles(t)
  const text = readFileSync(files.file, 'utf8')
  files.write('boothzen.json', `\ufeff${text}`)
  assert.deepEqual(said(check(files).mistakes), [])
  files.write('boothzen.json', '['.repeat(200_000))
  assert.match(said(check(files).mistakes).join(), /is not valid JSON\.$/)
  files.write(
    'boothzen.json',
    text.replace('"item": "{item}"', `"item": ${'['.repeat(3000)}1${']'.repeat(3000)}`),
  )
  assert.match(said(check(files).mistakes).join(), /has more levels, one in another, than are read\.$/)
  files.write('boothzen.json', text)
  files.change('sample/boothzen.json', { 'live.bookings.0.starts_at': { $day: 1e12, hour: 1 }, prod: {} })
  assert.deepEqual(said(check(files).mistakes), [
    'sample/boothzen.json: prod: is no name that may stand here',
  ])
  files.change('sample/boothzen.json', { prod: undefined })
  assert.deepEqual(said(check(files).mistakes), [
    'sample/boothzen.json: live.bookings.0.starts_at: must be string',
  ])
})

test('editors are told of modes and classes what the check is told', (t) => {
  const validate = new Ajv2020({ strict: false }).compile(profileJsonSchema())
  const files = profileFiles(t)
  const good = JSON.parse(readFileSync(files.file, 'utf8'))
  assert.equal(validate(good), true)
  for (const wrong of [{ modes: [] }, { modes: ['test'] }, { modes: ['live', 'live'] }, { rateClasses: {} }])
    assert.equal(validate({ ...good, ...wrong }), false, JSON.stringify(wrong))
})

test('mistakes in JSON are found where they are', () => {
  const where = (text: string) => {
    const it = findJsonMistake(text)
    return it && `${it.line}:${it.column} ${it.say}`
  }
  assert.deepEqual(
    [
      '{"a": [1, 2.5e3, true, null, "\\u00e9"]}',
      '{"a": nope}',
      "{'a': 1}",
      '{"a": \'x\'}',
      '{"a" 1}',
      '[1 2]',
      '{"a": 1',
      '{"a": "x\n"}',
      '// hello\n{}',
      '{} {}',
      '',
      '[01]',
      '{"a": "\\x"}',
    ].map(where),
    [
      null,
      '1:7 "nope" is not a value; a text stands between "',
      '1:2 the name of a field is missing; it stands between "',
      '1:7 texts stand between ", not \'',
      '1:6 a colon is missing after the name of the field',
      '1:4 a comma or ] is missing before this',
      '1:8 the text ends before its }',
      '1:9 the text that began here has no " at its end',
      '1:1 JSON has no comments',
      '1:4 there is more after the end',
      '1:1 the text ends too early',
      '1:2 "01" is not a value; a text stands between "',
      '1:8 after \\ comes one of " \\ / b f n r t u',
    ],
  )
})

test('the JSON Schema for editors is up to date (UPDATE=1 rewrites it)', () => {
  const file = join(packagedFolder, 'schema/profile.schema.json')
  const text = `${JSON.stringify(profileJsonSchema(), null, 2)}\n`
  if (process.env['UPDATE'] === '1') writeFileSync(file, text)
  assert.equal(readFileSync(file, 'utf8'), text)
})

test('docs/profiles.md tells of every field, and shows every packaged envelope (UPDATE=1 rewrites it)', () => {
  const file = join(packageRoot, 'docs/profiles.md')
  const fields = fieldsOf(profileJsonSchema())
  const untold = fields.filter(({ say, isLeaf }) => isLeaf && say === '')
  assert.deepEqual(untold, [], 'describe them in the schema: editors show it')
  const rows = fields
    .filter(({ say }) => say !== '')
    .map(({ path, say }) => `| \`${path}\` | ${say.replaceAll('|', '\\|')} |`)
  const names = readdirSync(packagedFolder).filter((name) => name.endsWith('.json'))
  const envelopes = names.map((name) => {
    const { brand, envelope } = loadProfile(name.replace('.json', ''), packagedFolder)
    const { item, list, problem } = envelope
    return `**${brand.name}** (\`${name}\`)\n\n\`\`\`json\n${JSON.stringify({ item, list, problem }, null, 2)}\n\`\`\`\n`
  })
  const text = readFileSync(file, 'utf8')
  const made = between(
    between(text, 'fields', ['| field | what it says |', '|---|---|', ...rows].join('\n')),
    'envelopes',
    envelopes.join('\n'),
  )
  if (process.env['UPDATE'] === '1') writeFileSync(file, made)
  assert.equal(readFileSync(file, 'utf8'), made)
})

/** The text with other words between two comments of a name. */
function between(text: string, name: string, words: string): string {
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`]
  const [before, rest = ''] = text.split(begin)
  const [, after] = rest.split(end)
  assert.ok(after !== undefined, `docs/profiles.md has the comments around its ${name}`)
  return `${before}${begin}\n${words.trimEnd()}\n\n${end}${after}`
}

interface Field {
  readonly path: string
  readonly say: string
  readonly isLeaf: boolean
}

/** All fields by their dotted names; what may be called anything is {name}, an item of a list is not a step. */
function fieldsOf(schema: object, at = ''): Field[] {
  const {
    properties = {},
    additionalProperties,
    items,
  } = schema as {
    properties?: Record<string, object>
    additionalProperties?: object | boolean
    items?: object
  }
  const own = Object.entries(properties).flatMap(([name, its]) => {
    const path = at === '' ? name : `${at}.${name}`
    const say = 'description' in its ? String(its.description) : ''
    const inner = fieldsOf(its, path)
    return [{ path, say, isLeaf: inner.length === 0 }, ...inner]
  })
  const any = typeof additionalProperties === 'object' ? fieldsOf(additionalProperties, `${at}.{name}`) : []
  return [...own, ...any, ...(items ? fieldsOf(items, at) : [])]
}

test('what would be no API for anybody is said: headers, paths, envelopes, names', (t) => {
  const lines = changed(t, {
    'brand.name': 'Booth\r\nSet-Cookie: a=b',
    'credentials.header': 'Cookie',
    'headers.scope': 'x-request-id',
    'headers.rateLimit.reset': 'Content-Length',
    'envelope.problemContentType': 'application/json\r\nX-A: b',
    'envelope.item': {},
    'envelope.list': { page: '{page}', rows: '{items}' },
    'envelope.problem': 7,
    basePath: '/oauth/api',
    'hosts.shortForms': { app: '/v1', api: '/../v1' },
    'sample.resources.bookings.idPrefix': "b'",
    'sample.organization.slug': 'Harbour Booths',
  })
  assert.deepEqual(lines.sort(), [
    'basePath: begins with /oauth, where the server has pages of its own',
    'brand.name: must be a name on one line',
    'credentials.header: is Cookie, which has a meaning of its own in HTTP',
    'envelope.item: must have {item} in it',
    'envelope.list: must have {next_cursor} in it, since pagination.style is "cursor"',
    'envelope.list: names {page}, which pages of the style "cursor" do not have',
    'envelope.problem: must have {message} or {code} in it',
    'envelope.problemContentType: is "application/json\\r\\nX-A: b", but must be a content type like "application/problem+json"',
    'headers.rateLimit.reset: is Content-Length, which has a meaning of its own in HTTP',
    'headers.requestId: is X-Request-Id, as headers.scope is',
    'hosts.shortForms.api: is "/../v1", but must be a path like "/api/v1"',
    'hosts.shortForms.app: is the canonical host: basePath is there already',
    'sample.organization.slug: is "Harbour Booths", but must be 1 to 63 of a-z, 0-9 and hyphens, with none at its ends',
    `sample.resources.bookings.idPrefix: is "b'", but must be letters, digits, "_" and "-", like "bk_"`,
  ])
})
