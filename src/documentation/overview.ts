// The first page: what this API is, a first request, and what every answer has.
import { firstCall, type Operation } from '../core/contract.ts'
import type { Json } from '../core/envelope-template.ts'
import { credentialHeader } from '../core/profile.ts'
import { listAnswer } from './answers.ts'
import { hostsSection } from './hosts.ts'
import { block, code, list, stack, table, text } from './markdown.ts'
import { apiUrl, curl, inWords, placeOf, type Reader, requestLine, type Subject } from './subject.ts'
import { variables } from './variables.ts'

export function overviewPage(subject: Subject, reader: Reader): string {
  const { profile, contract } = subject
  const { brand, basePath, oauth } = profile
  const first = firstCall(contract, profile) ?? contract.operations.find(({ method }) => method === 'GET')
  return stack(
    `# ${text(brand.name)} API`,
    text(brand.summary),
    table(
      ['What', 'Where'],
      [
        ['Base address', code(apiUrl(subject))],
        ['Credential', `${code(credentialHeader(profile, '…'))} ([Authentication](/docs/authentication))`],
        ['OpenAPI document', `[openapi.json](${basePath}/openapi.json)`],
        ['Operations', '[Reference](/docs/reference), where each of them can be tried'],
      ],
    ),
    oauth.enabled
      ? 'There are two kinds of credential: an **API key** for your own scripts and servers, and an **OAuth access token** for an app that other people install. They go into the same header and get the same answers.'
      : 'Programs sign in with an **API key**, which belongs to an organization.',
    '## Quickstart',
    `1. Sign in to the [console](/admin), go to ${inWords(
      profile.console.keys.map((it) => `**${text(it)}**`),
      'and then',
    )}, and choose **${text(profile.console.createKey)}**. The key is shown once: store it where you keep passwords.`,
    '2. Put it where the examples look for it:',
    variables(subject, reader, ['API_KEY']),
    first ? firstRequest(subject, first) : null,
    '## What every answer has',
    answers(subject),
    '## Lists',
    lists(subject),
    hostsSection(subject),
  )
}

function firstRequest(subject: Subject, operation: Operation): string {
  const url = apiUrl(subject) + operation.path
  const isList = firstCall(subject.contract, subject.profile) !== null
  return stack(
    `3. Ask for something (${code(requestLine(operation))}):`,
    block('sh', curl(subject, url)),
    isList ? 'The answer, with one of its items standing for all:' : null,
    isList ? listAnswer(subject, operation) : null,
    'The same from JavaScript, as a module (`request.mjs`):',
    block('js', request(subject, url)),
  )
}

/** By fetch, with the key from the environment. */
function request({ profile }: Subject, url: string): string {
  const [name = '', value = ''] = credentialHeader(profile, '$KEY').split(': ')
  const key = 'process.env.API_KEY'
  const credential = value === '$KEY' ? key : `\`${value.replace('$KEY', `\${${key}}`)}\``
  return [
    `const response = await fetch('${url}', {`,
    `  headers: { '${name}': ${credential} },`,
    '})',
    'const answer = await response.json()',
    'if (!response.ok) throw new Error(JSON.stringify(answer))',
    'console.log(answer)',
  ].join('\n')
}

function answers({ profile }: Subject): string {
  const { headers, envelope } = profile
  return list(
    [
      `A success has its thing ${whereIs(envelope.item, 'item')}, and a list has its items ${whereIs(envelope.list, 'items')}. Errors look alike too: [Errors](/docs/errors).`,
      `${code(headers.requestId)} is the id of the request. Quote it to support.`,
      headers.scope &&
        `${code(headers.scope)} says what the calling credential may do. An answer to none, or to a wrong one, is without it.`,
      `${code(headers.rateLimit.limit)}, ${code(headers.rateLimit.remaining)} and ${code(headers.rateLimit.reset)} say how often you may ask: [Limits](/docs/limits).`,
      'Times are in UTC, as ISO 8601 writes them.',
    ].filter((it) => it !== null),
  )
}

/** Spread into the body, a thing has fields of the envelope beside its own. */
function whereIs(template: Json, value: string): string {
  const place = placeOf(template, value)
  if (place) return `in ${code(place)}`
  const beside = typeof template === 'object' && template !== null ? Object.keys(template) : []
  const others = beside.filter((field) => field !== '...').map(code)
  return others.length > 0 ? `in the body itself, beside ${inWords(others)}` : 'as the whole body'
}

function lists({ profile: { pagination, envelope } }: Subject): string {
  const { style, defaultLimit, maxLimit } = pagination
  const many = `A list comes ${defaultLimit} items at a time; ${code('?limit=')} asks for fewer, or for up to ${maxLimit}.`
  const named = (value: string) => code(placeOf(envelope.list, value) ?? value)
  switch (style) {
    case 'page':
      return `${many} ${code('?page=')} asks for the pages after the first. The answer counts them: ${named('page')} of ${named('total_pages')}, with ${named('total')} items in all.`
    case 'cursor':
      return `${many} While there is more, ${named('next_cursor')} is not \`null\`: send it as ${code('?cursor=')} to get the next page. A cursor is made of nothing that you could build yourself, so keep none for later.`
    case 'link':
      return `${many} While there is more, the answer has a header ${code('Link: <…>; rel="next"')} (RFC 8288) with the address of the next page. Follow it as it is.`
  }
}
