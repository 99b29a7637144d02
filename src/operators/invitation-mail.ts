// The mail that invites: short, plain, and all that one must know before opening a link.
import { momentInWords } from '../lib/date-in-words.ts'
import type { Secret } from '../lib/secret.ts'
import type { Mail, Mailer } from '../mail/mailer.ts'
import type { Invitation } from '../organizations/invitation-store.ts'

export interface InvitationLetter {
  readonly invitation: Invitation
  readonly url: Secret
  readonly organization: string
  /** The name of who invites, or their address; null for the command line. */
  readonly inviter: string | null
  /** How this service is called. */
  readonly brand: string
}

/** False when nobody will read it in a mailbox: whoever invites has to pass the link on. */
export async function sendInvitation(mailer: Mailer, letter: InvitationLetter): Promise<boolean> {
  return (await mailer.send(writeInvitation(letter))) && mailer.way === 'smtp'
}

export function writeInvitation(letter: InvitationLetter): Mail {
  const { invitation, url, brand } = letter
  const organization = onOneLine(letter.organization)
  const inviter = letter.inviter === null ? 'An administrator' : onOneLine(letter.inviter)
  const role = invitation.role === 'ADMIN' ? 'an administrator' : 'a member'
  return {
    to: invitation.email,
    subject: `Join ${organization} on ${brand}`,
    text: [
      `${inviter} invites you to join ${organization} on ${brand} as ${role}.`,
      `Open this link to join. It works once, until ${momentInWords(invitation.expiresAt)}:`,
      url.reveal(),
      'If you did not expect this mail, delete it. Nothing happens unless you open the link and say so.\n',
    ].join('\n\n'),
  }
}

/** People choose these names: they must not be able to write paragraphs of their own, or turn the reading direction. */
function onOneLine(text: string): string {
  return text
    .replace(/[\p{Cf}]/gu, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 100)
}
