// Every error that the API can answer: how it looks, why it comes, what to do.
import { namesIn } from '../core/envelope-template.ts'
import { problems } from '../core/problems.ts'
import { writtenCodes } from '../web/envelope.ts'
import { type ApiProblemCode, adviceOn, documentedCodes } from './advice.ts'
import { problemAnswer } from './answers.ts'
import { block, code, list, stack, table, text } from './markdown.ts'
import { apiUrl, curl, placeOf, type Subject } from './subject.ts'

export function errorsPage(subject: Subject): string {
  const { profile, contract } = subject
  const codes = documentedCodes(profile, contract)
  const written = writtenCodes(profile)
  const statusOf = (it: ApiProblemCode) => profile.problems[it]?.status ?? problems[it][0]
  const byStatus = [...codes].sort((a, b) => statusOf(a) - statusOf(b))
  return stack(
    '# Errors',
    'Every error of the API has the same shape, whatever went wrong:',
    block('sh', curl(subject, `${apiUrl(subject)}/no-such-thing`)),
    problemAnswer(subject, 'route_not_found'),
    '## How to read one',
    fields(subject),
    list([
      namesIn(profile.envelope.problem).includes('code')
        ? 'Decide by the status and the code; the message is for people, and its words may get better.'
        : 'Decide by the status; the message is for people, and its words may get better. The codes below are names for this page alone: no answer has them.',
      `${code('4xx')}: the request has to change before it can succeed, but for ${code('429')}, which asks you to wait. ${code('5xx')}: try again, with a longer pause each time.`,
      `Tell support the request id: ${code(profile.headers.requestId)} has it in every answer.`,
    ]),
    '## All codes',
    table(
      ['Status', 'Code', 'What it says'],
      byStatus.map((it) => [
        String(statusOf(it)),
        `[${code(written(it))}](#${it})`,
        text(profile.problems[it]?.message ?? problems[it][1]),
      ]),
    ),
    ...byStatus.map((it) => {
      const { cause, cure } = adviceOn(it, profile)
      return stack(
        `### ${statusOf(it)} ${code(written(it))} {#${it}}`,
        `**Cause.** ${cause}`,
        `**Cure.** ${cure}`,
      )
    }),
    profile.oauth.enabled ? oauthErrors(subject) : null,
  )
}

const meanings = [
  ['type', 'the kind of error, which several codes share'],
  ['code', 'which error it is: decide by this'],
  ['message', 'what was wrong and what to do, in a sentence'],
  ['param', 'the field or parameter that is wrong, where there is one'],
  ['conflicts_with', 'the id of what stands in the way, where there is one'],
  ['title', 'the status in words'],
  ['status', 'the status, as the answer’s first line has it'],
  ['documentation', 'where this page tells of the code'],
  ['request_id', 'the id of the request'],
] as const

function fields({ profile }: Subject): string {
  const found = meanings.flatMap(([name, meaning]) => {
    const place = placeOf(profile.envelope.problem, name)
    return place ? [[code(place), meaning]] : []
  })
  return table(['Field', 'What it is'], found)
}

function oauthErrors({ publicUrl }: Subject): string {
  return stack(
    '## Errors of OAuth',
    `${code(`${publicUrl}/oauth/…`)} answers as RFC 6749 has it, with ${code('error')} and ${code('error_description')}.`,
    table(
      ['Error', 'Cause', 'Cure'],
      [
        [
          code('invalid_request'),
          'A parameter is missing, stands there twice, or has a value that is not taken.',
          'The description names it.',
        ],
        [code('invalid_client'), 'There is no such app, or it is suspended.', 'Check the `client_id`.'],
        [
          code('invalid_grant'),
          'The code or the refresh token was used before, has expired, was revoked, or is of another app; or the verifier or the redirect URI is not the one that the authorization began with.',
          'Begin again with a new authorization. Refresh in one place at a time, and always keep the newest refresh token.',
        ],
        [
          code('unsupported_grant_type'),
          'The grant type is another than these two.',
          'Send `authorization_code` or `refresh_token`.',
        ],
        [
          code('invalid_scope'),
          'The app may not ask for that scope.',
          'Ask for those that it is registered with.',
        ],
        [
          code('invalid_target'),
          'The resource is none that tokens are given for.',
          'Leave `resource` out, or send the address of this API.',
        ],
        [
          code('invalid_dpop_proof'),
          'The header DPoP has no proof that is good, or one that came before.',
          'Make a new proof for each request.',
        ],
        [code('access_denied'), 'The person said no.', 'Ask again only when they choose to.'],
        [
          `${code('login_required')}, ${code('consent_required')}`,
          'You sent `prompt=none`, and the person would have to be asked.',
          'Send them again without it.',
        ],
      ],
    ),
    'A link to the authorization endpoint that is wrong may be answered to the person, on a page that names the error, and not to your app: who could have any app sent on from here, could send people anywhere. The page of your app in the console lists what was refused.',
  )
}
