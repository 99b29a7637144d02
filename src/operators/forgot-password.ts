// A forgotten password: a one-time link by mail, and not a word about who is known (SECURITY U3).
import { recordForEach } from '../audit/record.ts'
import type { Origin } from '../core/attribution.ts'
import type { Db } from '../db/connect.ts'
import type { Background } from '../lib/background.ts'
import type { Secret } from '../lib/secret.ts'
import type { Clock } from '../lib/time.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import type { Mailer } from '../mail/mailer.ts'
import { listOrganizationIds } from '../organizations/membership-store.ts'
import { isEmail } from './email.ts'
import { deleteUnusedLinks, findPersonToSignIn, type Person } from './person-store.ts'
import { createSetUpToken, setUpUrl } from './set-up-link.ts'
import { countTries, resetTries } from './throttle.ts'

export interface ForgotPasswordParts {
  readonly db: Db
  readonly turnstile: Turnstile
  readonly background: Background
  readonly mailer: Mailer
  readonly clock: Clock
  readonly publicUrl: string
  readonly brand: string
}

/**
 * Mails a link to the person of this address, if there is one; older links are good no longer. Whoever asks
 * can't tell, by the answer or by its time: the looking-up comes after it.
 * @throws Problem rate_limit_exceeded
 */
export async function sendResetLink(parts: ForgotPasswordParts, email: string, from: Origin): Promise<void> {
  await countTries(parts.turnstile, resetTries(from.address, email))
  parts.background.run(async () => {
    const known = isEmail(email) ? await findPersonToSignIn(parts.db, email) : null
    if (!known) return
    const token = await newLink(parts, known.person, from)
    await parts.mailer.send({
      to: known.person.email,
      subject: `Choose a new password for ${parts.brand}`,
      text: mailText(parts, setUpUrl(parts.publicUrl, token)),
    })
  })
}

function newLink({ db, clock }: ForgotPasswordParts, { id }: Person, from: Origin): Promise<Secret> {
  return db.transaction(async (tx) => {
    await deleteUnusedLinks(tx, id)
    const token = await createSetUpToken(tx, id, clock())
    // Anybody may ask for it, so it is the server that does it.
    const by = { ...from, actor: { kind: 'server' } } as const
    const details = { reason: 'forgot_password' }
    const entry = { by, action: 'person.link_created', target: id, details } as const
    await recordForEach(tx, await listOrganizationIds(tx, id), entry)
    return token
  })
}

const mailText = ({ brand }: ForgotPasswordParts, link: Secret) =>
  `Somebody, hopefully you, asked for a new password for your ${brand} account.

Choose it here, within 30 minutes. The link works once:

${link.reveal()}

If it was not you, ignore this mail: your password stays as it is.
`
