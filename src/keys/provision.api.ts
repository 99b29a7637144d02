// The operation createOrganizationApiKey, as the Boooply client calls it: read, call, show.
import { z } from 'zod'
import type { PlatformHandler } from '../core/handler.ts'
import { modes } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Db } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import { isBlank, isOneLine } from '../lib/shown-text.ts'
import { type Clock, daySeconds } from '../lib/time.ts'
import { isEmail } from '../operators/email.ts'
import type { NewMember } from '../operators/import-members.ts'
import type { Invited } from '../operators/invite.ts'
import { roles } from '../organizations/membership-store.ts'
import { answerOnce, type KeepableAnswer } from './idempotent-answer.ts'
import { longestKeyLifeSeconds, readKeyMode, readKeyName, readKeyScopes } from './new-key.ts'
import { type Provisioned, type Provisioning, provision } from './provision.ts'
import { longestOverlapSeconds } from './rotate-key.ts'

const text = (longest: number) =>
  z
    .string()
    .max(longest, `must have at most ${longest} characters`)
    .refine(isOneLine, 'has a character that can not be shown')
const id = text(255).refine((value) => !isBlank(value), 'must not be empty')
/** A name that may be left out, null or empty: to whoever calls us the three are often one. */
const name = text(200)
  .nullish()
  .transform((value) => (value == null || isBlank(value) ? null : value.trim()))
const email = z.string().refine(isEmail, 'must be an email address')

const bodySchema = z.object({
  userId: id,
  userEmail: email,
  userName: name,
  organizationId: id,
  organizationName: name,
  teamMembers: z
    .array(z.object({ email, name, role: z.enum(roles) }))
    .max(500, 'must have at most 500 members')
    .nullish(),
  scopes: z.array(z.string()).optional(),
  mode: z.enum(modes).default('live'),
  name: z.string().optional(),
  expiresInDays: z
    .int()
    .min(1)
    .max(longestKeyLifeSeconds / daySeconds)
    .optional(),
  onExisting: z.enum(['error', 'add', 'rotate']).default('error'),
  overlapSeconds: z.int().min(0).max(longestOverlapSeconds).default(0),
})
type Body = z.infer<typeof bodySchema>

export interface ProvisionParts {
  readonly profile: Profile
  readonly db: Db
  readonly format: SecretFormat
  readonly clock: Clock
  /** Sends the links, in its own time; where no mail goes, an administrator or a command makes others. */
  readonly inviteByMail: (invited: readonly Invited[], organization: string) => void
}

/** POST /organizations/api-key, for platform keys alone. */
export function createOrganizationApiKey(parts: ProvisionParts): PlatformHandler {
  const { profile, db, format, clock, inviteByMail } = parts
  return async ({ caller, body, attribution, idempotencyKey, credential }) => {
    const asked = readBody(body)
    const now = clock()
    const wanted: Provisioning = {
      platform: caller.platform,
      platformKey: sha256(credential.reveal()),
      externalId: asked.organizationId,
      organizationName: asked.organizationName ?? asked.organizationId,
      members: membersOf(asked),
      mode: readKeyMode(profile, asked.mode),
      scopes: asked.scopes ? readKeyScopes(profile, asked.scopes) : null,
      keyName: asked.name === undefined ? null : readKeyName(asked.name),
      expiresInDays: asked.expiresInDays ?? null,
      onExisting: asked.onExisting,
      overlapSeconds: asked.overlapSeconds,
      by: attribution,
    }
    const request = { operation: 'createOrganizationApiKey', body }
    const once = { owner: caller.platform, credential, idempotencyKey, request }
    const links: { readonly invited: readonly Invited[]; readonly organization: string }[] = []
    const answer = await answerOnce(db, once, now, async (tx) => {
      const made = await provision(tx, format, wanted, now)
      links.push({ invited: made.invited, organization: made.organization.name })
      return show(made, asked, attribution.requestId)
    })
    // After the commit: a mail can't be called back. An answer that is given again has made nothing.
    for (const { invited, organization } of links) inviteByMail(invited, organization)
    return answer
  }
}

/** The operator who connects the organization administers it, whatever the list says of them. */
function membersOf({ userId, userEmail, userName, teamMembers }: Body): NewMember[] {
  const operator = { email: userEmail, name: userName, role: 'ADMIN', externalId: userId } as const
  return [operator, ...(teamMembers ?? []).map((member) => ({ ...member, externalId: null }))]
}

function show(
  { organization, isNew, issued, invited }: Provisioned,
  { organizationId }: Body,
  requestId: string | null,
): KeepableAnswer {
  const { key, secret } = issued
  const replaced = 'old' in issued ? issued.old : null
  const item = {
    apiKey: secret.reveal(), // the only time that it leaves the house
    keyId: key.id,
    organizationId,
    organization: { id: organization.id, slug: organization.slug, name: organization.name },
    created: isNew,
    mode: key.mode,
    scopes: key.scopes,
    expiresAt: key.expiresAt,
    replaced: replaced && { keyId: replaced.id, worksUntil: replaced.retiresAt },
    invited: invited.map(({ invitation }) => invitation.email),
    requestId,
  }
  return { kind: 'item', status: 201, item }
}

/** The document's schema has been over it already; this gives the types, and says what JSON Schema can't. */
function readBody(body: unknown): Body {
  const parsed = bodySchema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const param = issue?.path.join('.') ?? ''
  throw new Problem('invalid_parameter', { param, say: `${param}: ${issue?.message ?? 'is not valid'}.` })
}
