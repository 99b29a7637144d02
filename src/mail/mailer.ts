// Mails to people: by SMTP where a server is set up; printed on the terminal in development; else not at all,
// and whoever would have sent one shows its link in another way.
import { createTransport } from 'nodemailer'
import type { Config } from '../core/config.ts'
import type { Log } from '../core/telemetry.ts'

export interface Mail {
  readonly to: string
  readonly subject: string
  /** Plain text. It may hold a one-time link, so it goes to no log. */
  readonly text: string
}

export interface Mailer {
  /** Where mails go: nobody reads `nowhere`. */
  readonly way: 'smtp' | 'terminal' | 'nowhere'
  /** True when it is on its way. A mail server that fails is logged, and is no error of whoever sends. */
  send(mail: Mail): Promise<boolean>
}

const patienceMs = 10_000

export function createMailer(
  { mail, environment }: Pick<Config, 'mail' | 'environment'>,
  log: Log,
  print: (text: string) => void,
): Mailer {
  if (mail) {
    const limits = { connectionTimeout: patienceMs, greetingTimeout: patienceMs, socketTimeout: patienceMs }
    const transport = createTransport({ url: mail.url.reveal(), ...limits })
    return {
      way: 'smtp',
      send: async ({ to, subject, text }) => {
        try {
          await transport.sendMail({ from: mail.from, to: { name: '', address: to }, subject, text })
          return true
        } catch (cause) {
          log.error({ err: cause }, 'a mail could not be sent')
          return false
        }
      },
    }
  }
  if (environment === 'production') return { way: 'nowhere', send: async () => false }
  return {
    way: 'terminal',
    send: async ({ to, subject, text }) => {
      print(`\n  Mail to ${to}: ${subject}\n\n${text.replace(/^/gm, '    ')}\n`)
      return true
    },
  }
}
