// What the fields of a profile can't say one by one: what holds between them.
import type { z } from 'zod'
import { accentMistake } from './accent.ts'
import { namesIn, pageNames } from './envelope-template.ts'
import { answerHeaderMistake, apiPathMistake, credentialHeaderMistake } from './own-names.ts'
import type { WrittenProfile } from './profile-schema.ts'

/** What the fields can't say one by one. */
export function checkRelations(profile: WrittenProfile, ctx: z.RefinementCtx): void {
  const wrong = (at: readonly (string | number)[], message: string) =>
    ctx.addIssue({ code: 'custom', path: [...at], message })
  for (const theme of ['light', 'dark'] as const) {
    const color = profile.brand.accent?.[theme]
    const mistake = color === undefined ? null : accentMistake(theme, color)
    if (mistake) wrong(['brand', 'accent', theme], mistake)
  }
  checkPaths(profile, wrong)
  checkHeaders(profile, wrong)
  checkPrefixes(profile, wrong)
  checkEnvelope(profile, wrong)
  checkScopes(profile, wrong)
  const { defaultLimit, maxLimit } = profile.pagination
  if (defaultLimit > maxLimit) wrong(['pagination', 'defaultLimit'], 'must not be more than maxLimit')
  for (const [name, { windows }] of Object.entries(profile.rateClasses)) {
    if (new Set(windows.map((it) => it.seconds)).size < windows.length)
      wrong(['rateClasses', name, 'windows'], 'has two windows of one length')
  }
  if (profile.oauth.enabled && Object.values(profile.scopes).every((it) => it.apiKeysOnly))
    wrong(['oauth', 'enabled'], 'needs a scope that an app may ask for')
  for (const at of ['dynamicRegistration', 'clientMetadataDocuments'] as const) {
    const { mode } = profile.oauth[at]
    if (!profile.modes.includes(mode)) wrong(['oauth', at, 'mode'], `is ${mode}, which modes does not list`)
  }
}

type Wrong = (at: readonly (string | number)[], message: string) => void

function checkPaths({ basePath, hosts: { canonical, shortForms } }: WrittenProfile, wrong: Wrong): void {
  const mistake = apiPathMistake(basePath)
  if (mistake) wrong(['basePath'], mistake)
  if (Object.hasOwn(shortForms, canonical))
    wrong(['hosts', 'shortForms', canonical], 'is the canonical host: basePath is there already')
}

function checkHeaders({ credentials, headers }: WrittenProfile, wrong: Wrong): void {
  const ofRequest = credentialHeaderMistake(credentials.header)
  if (ofRequest) wrong(['credentials', 'header'], ofRequest)
  const { scope, requestId, rateLimit } = headers
  const { limit, remaining, reset } = rateLimit
  const named = {
    scope,
    requestId,
    'rateLimit.limit': limit,
    'rateLimit.remaining': remaining,
    'rateLimit.reset': reset,
  }
  const taken = new Map<string, string>()
  for (const [at, name] of Object.entries(named)) {
    if (name === null) continue
    const other = taken.get(name.toLowerCase())
    const mistake = other === undefined ? answerHeaderMistake(name) : `is ${name}, as headers.${other} is`
    if (mistake) wrong(['headers', ...at.split('.')], mistake)
    taken.set(name.toLowerCase(), at)
  }
}

function checkPrefixes({ credentials: { prefixes }, modes: those }: WrittenProfile, wrong: Wrong): void {
  const taken = new Map<string, string>()
  for (const [kind, value] of Object.entries(prefixes)) {
    const each = typeof value === 'string' ? [['', value]] : Object.entries(value)
    for (const [mode, text] of each) {
      const at = ['credentials', 'prefixes', kind, ...(mode ? [mode] : [])]
      const other = taken.get(text ?? '')
      if (other !== undefined) wrong(at, `is "${text}", as ${other} is: a prefix tells what a secret is`)
      taken.set(text ?? '', at.slice(2).join('.'))
    }
    if (typeof value === 'string') continue
    if (those.includes('test') && value.test === undefined)
      wrong(['credentials', 'prefixes', kind, 'test'], 'is missing, and modes lists test')
    if (!those.includes('test') && value.test !== undefined)
      wrong(['credentials', 'prefixes', kind, 'test'], 'is there, and modes does not list test')
  }
}

function checkEnvelope({ envelope, pagination: { style } }: WrittenProfile, wrong: Wrong): void {
  const { item, list, problem } = envelope
  if (!namesIn(problem).some((name) => name === 'message' || name === 'code'))
    wrong(['envelope', 'problem'], 'must have {message} or {code} in it')
  if (!namesIn(item).includes('item')) wrong(['envelope', 'item'], 'must have {item} in it')
  const names = namesIn(list)
  if (!names.includes('items')) wrong(['envelope', 'list'], 'must have {items} in it')
  const strange = style === 'page' ? pageNames.cursor : pageNames.page
  for (const name of strange.filter((it) => names.includes(it)))
    wrong(['envelope', 'list'], `names {${name}}, which pages of the style "${style}" do not have`)
  if (style === 'cursor' && !names.includes('next_cursor'))
    wrong(['envelope', 'list'], 'must have {next_cursor} in it, since pagination.style is "cursor"')
}

const verbs = ['read', 'write']

function checkScopes({ scopes, scopeGrammar, oauth: { defaultScopes } }: WrittenProfile, wrong: Wrong): void {
  for (const [name, { apiKeysOnly }] of Object.entries(scopes)) {
    const [first = '', second = ''] = name.split(':')
    if (apiKeysOnly) continue
    if (scopeGrammar === null) {
      wrong(['scopes', name], 'is there, and scopeGrammar is null')
      continue
    }
    // Verbs of a vendor's own may stand on either side; the two that everybody has may not.
    const misplaced = scopeGrammar === 'verb:resource' ? second : first
    if (verbs.includes(misplaced)) wrong(['scopes', name], `is not written as ${scopeGrammar}`)
  }
  for (const [index, name] of defaultScopes.entries()) {
    if (scopes[name]?.apiKeysOnly !== false)
      wrong(['oauth', 'defaultScopes', index], `is "${name}", which no app may ask for`)
  }
}
