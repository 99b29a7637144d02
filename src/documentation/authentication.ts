// How a program signs in: keys, modes, the header, scopes, and OAuth where there is any.
import { credentialHeader, type Profile, takesBearers } from '../core/profile.ts'
import { answer, problemAnswer, varies } from './answers.ts'
import { block, code, list, stack, table, text } from './markdown.ts'
import { oauthSection } from './oauth.ts'
import { apiUrl, curl, easyPath, inWords, type Reader, type Subject } from './subject.ts'
import { variables } from './variables.ts'

/** Where access tokens may come as bearers too, whatever the header is that keys come in. */
function onlyThere(profile: Profile): string {
  return profile.oauth.enabled && !takesBearers(profile)
    ? `An access token may come as ${code('Authorization: Bearer')} as well. A credential elsewhere is not looked at.`
    : 'It is read in that header alone.'
}

export function authenticationPage(subject: Subject, reader: Reader): string {
  const { profile, contract } = subject
  const { refusedQueryParameters } = profile.credentials
  const me = contract.operations.find(({ id }) => id === 'getMe')
  return stack(
    '# Authentication',
    `Every request to ${code(profile.basePath)} carries one credential, in one header:`,
    block('text', credentialHeader(profile, anyKey(subject))),
    `${onlyThere(profile)} Two credentials at once are refused.`,
    refusedQueryParameters.length > 0
      ? `${inWords(
          refusedQueryParameters.map((it) => code(`?${it}=`)),
          'or',
        )} in the address is answered with an error instead of being ignored, so that no key ends up in a log unnoticed.`
      : null,
    variables(subject, reader, ['API_KEY']),
    me ? stack('Ask what your credential is:', block('sh', curl(subject, apiUrl(subject) + me.path))) : null,
    me ? answer(200, granted(subject)) : null,
    'Without a credential, or with a wrong one, the answer is an error, and its header `WWW-Authenticate` names the way in:',
    block('sh', `curl -i ${apiUrl(subject)}${easyPath(subject)}`),
    problemAnswer(subject, 'missing_credential', { 'WWW-Authenticate': varies }),
    '## API keys',
    keys(subject),
    modes(subject),
    scopes(subject),
    platforms(subject),
    profile.oauth.enabled ? oauthSection(subject, reader) : null,
  )
}

function anyKey({ profile }: Subject): string {
  return `${profile.credentials.prefixes.api_key.live}…`
}

function granted({ profile: { headers } }: Subject): Record<string, string> {
  return headers.scope ? { [headers.scope]: varies } : {}
}

function keys({ profile }: Subject): string {
  const where = inWords(
    profile.console.keys.map((it) => `**${text(it)}**`),
    'and then',
  )
  const { keyRotationDays } = profile
  return list(
    [
      `A key belongs to an organization, not to a person: it goes on working when its maker leaves. Administrators make, rotate, deactivate and revoke keys in the [console](/admin), under ${where}.`,
      'Its secret is shown once, when it is made. We keep its SHA-256 alone, so a lost one can’t be told again: make another.',
      'Rotating a key makes a new one; the old one goes on working for as long as you choose, so that you can change over without a gap.',
      'A key works until it is revoked, or until the day that its maker chose, where one was chosen.',
      'A revoked key is refused from the very next request.',
      keyRotationDays === null
        ? null
        : `Rotate a key every ${keyRotationDays} days. The console marks those that are older.`,
      'Keep keys on servers. In a browser or in an app on a phone, a key belongs to everybody who looks.',
    ].filter((it) => it !== null),
  )
}

function modes({ profile }: Subject): string | null {
  if (profile.modes.length < 2) return null
  const { live, test } = profile.credentials.prefixes.api_key
  return stack(
    '## Live and test',
    'A credential is of one mode for good, and sees the data of that mode alone. There is no parameter for it.',
    table(
      ['Mode', 'Keys begin with', 'What they see'],
      [
        ['Live', code(live), 'real data'],
        ['Test', code(test ?? ''), 'a sandbox with data of its own'],
      ],
    ),
  )
}

function scopes({ profile, contract }: Subject): string | null {
  const names = Object.entries(profile.scopes)
  if (names.length === 0) {
    return stack(
      '## What a key may do',
      contract.operations.some(({ credential }) => credential === 'platform')
        ? 'A key may call every operation but that of platforms, for the whole of its organization. There are no scopes.'
        : 'A key may call every operation, for the whole of its organization. There are no scopes.',
    )
  }
  const { enabled } = profile.oauth
  const isUsed = (name: string) => contract.operations.some((it) => it.requiredScopes.includes(name))
  return stack(
    '## Scopes',
    `A credential may do what its scopes say and nothing else. Which of them an operation requires stands in the [Reference](/docs/reference), and as \`x-required-scopes\` in the [OpenAPI document](${profile.basePath}/openapi.json). They are fixed when a key is made.`,
    table(
      ['Scope', 'What it allows', ...(enabled ? ['For'] : [])],
      names
        .filter(([name]) => isUsed(name) || profile.scopes[name]?.apiKeysOnly === false)
        .map(([name, { sentence, detail, apiKeysOnly }]) => [
          code(name),
          `**${text(sentence.en)}.** ${text(detail.en)}`,
          ...(enabled ? [apiKeysOnly ? 'API keys' : 'API keys and apps'] : []),
        ]),
    ),
  )
}

function platforms(subject: Subject): string | null {
  const operation = subject.contract.operations.find(({ credential }) => credential === 'platform')
  if (!operation) return null
  const { prefixes } = subject.profile.credentials
  return stack(
    '## Platform keys',
    `A partner that connects its own customers gets a platform key (${code(`${prefixes.platform_key}…`)}) from us. It goes into the same header, and opens one operation: ${code(`${operation.method} ${operation.path}`)} makes an organization with a key of its own, in one call. It reads nobody’s data. Send an \`Idempotency-Key\` along, and a request that you repeat has one effect.`,
  )
}
