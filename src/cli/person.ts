// latchkey person: people who sign in.
import type { Command } from 'commander'
import { recordForEach } from '../audit/record.ts'
import { Problem } from '../core/problems.ts'
import { createLog } from '../core/telemetry.ts'
import type { Db, Tx } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { momentInWords } from '../lib/date-in-words.ts'
import { systemClock } from '../lib/time.ts'
import { createMailer } from '../mail/mailer.ts'
import { disablePerson, enablePerson, type PersonRequest } from '../offboarding/disable-person.ts'
import { removeMember } from '../offboarding/remove-member.ts'
import { createPerson } from '../operators/create-person.ts'
import { sendInvitation } from '../operators/invitation-mail.ts'
import { invitationUrl, inviteMember } from '../operators/invite.ts'
import { hashPassword, passwordMistake } from '../operators/password.ts'
import {
  deleteUnusedLinks,
  findPersonByEmail,
  findPersonToSignIn,
  type Person,
  setPasswordHash,
} from '../operators/person-store.ts'
import { dropSecondFactor } from '../operators/second-factor.ts'
import { createSetUpToken, setUpUrl } from '../operators/set-up-link.ts'
import { addMember } from '../organizations/add-member.ts'
import {
  hasMembers,
  listMembers,
  listOrganizationIds,
  type Member,
  type Role,
} from '../organizations/membership-store.ts'
import { organizationOf, readRole } from './options.ts'
import { answer, by, found, type Session, table, withDatabase } from './session.ts'

interface CreateOptions {
  readonly name?: string
  readonly org?: string
  readonly role?: Role
  readonly password?: string
}

export function personCommands(program: Command): void {
  const person = program.command('person').description('people who sign in')

  person
    .command('create')
    .argument('<email>', 'the address to sign in with')
    .description('create a person; answers with a one-time link to choose a password')
    .option('--name <name>', 'their name')
    .option('--org <id or slug>', 'the organization they belong to')
    .option('--role <role>', "ADMIN or MEMBER (default: ADMIN for an organization's first person)", readRole)
    .option('--password <password>', 'set the password here instead of by the link')
    .action(async (email: string, options: CreateOptions, command: Command) => {
      const made = await withDatabase((session) => create(session, email, options))
      answer(command, shown(made), textOf(made))
    })

  person
    .command('invite')
    .argument('<email>', 'whom')
    .description(
      'invite somebody into an organization; answers with a one-time link, and mails it with SMTP_URL',
    )
    .requiredOption('--org <id or slug>', 'the organization')
    .requiredOption('--role <role>', 'ADMIN or MEMBER', readRole)
    .action(async (email: string, { org, role }: { org: string; role: Role }, command: Command) => {
      const made = await withDatabase((session) => invite(session, email, org, role))
      const { link, mailed } = made
      const until = momentInWords(made.expires_at)
      const told = mailed ? 'We sent them this link.' : 'No mail was sent: pass this link on.'
      answer(command, made, `${told} It works once, until ${until}:\n${link}`)
    })

  person
    .command('list')
    .description('list the members of an organization')
    .requiredOption('--org <id or slug>', 'the organization')
    .action(async ({ org }: { org: string }, command: Command) => {
      const members = await withDatabase(async ({ opened }) => {
        const { id } = await organizationOf(opened.database.knex, org)
        const reach = { organization: id, mode: 'any' } as const
        return await asTenant(opened.database.knex, reach, (tx) => listMembers(tx, id))
      })
      const rows = members.map((it) => [
        it.person,
        it.email,
        it.name ?? '',
        it.role,
        it.since.toISOString().slice(0, 10),
      ])
      const text = table([['ID', 'EMAIL', 'NAME', 'ROLE', 'SINCE'], ...rows], 'There are no members.')
      answer(command, members.map(showMember), text)
    })

  person
    .command('reset-password')
    .argument('<email>', 'whose')
    .description('answers with a one-time link to choose a new password')
    .action(async (email: string, _options: object, command: Command) => {
      const made = await withDatabase(async (session) => {
        const known = await findPersonToSignIn(session.opened.database.knex, email)
        const it = found(known?.person ?? null, `There is nobody with ${email}.`)
        return {
          person: it,
          link: await session.opened.database.knex.transaction((tx) => newLink(tx, session, it)),
        }
      })
      answer(command, shown(made), textOf(made))
    })

  person
    .command('remove-second-factor')
    .argument('<email>', 'whose')
    .description('for somebody who has lost both the authenticator app and the recovery codes')
    .action(async (email: string, _options: object, command: Command) => {
      const removed = await withDatabase(async ({ opened }) => {
        const { knex } = opened.database
        const known = await findPersonToSignIn(knex, email)
        const it = found(known?.person ?? null, `There is nobody with ${email}.`)
        return { email: it.email, removed: await dropSecondFactor(knex, it.id, by) }
      })
      const text = removed.removed
        ? `${removed.email} signs in with the password alone.`
        : `${removed.email} has no second factor.`
      answer(command, removed, text)
    })

  const addChange = (
    name: string,
    description: string,
    sentences: { readonly done: string; readonly already: string },
    change: (db: Db, request: PersonRequest, now: Date) => Promise<boolean>,
  ) =>
    person
      .command(name)
      .argument('<email>', 'whose')
      .description(description)
      .action(async (email: string, _options: object, command: Command) => {
        const { isChanged, now } = await withDatabase(async ({ opened: { database } }) => {
          const { id } = await personOf(database.knex, email)
          return {
            isChanged: await change(database.knex, { person: id, by }, systemClock()),
            now: await personOf(database.knex, email),
          }
        })
        const { disabledAt, ...who } = now
        const shownAs = { ...who, disabled_at: disabledAt }
        answer(command, shownAs, `${now.email} ${isChanged ? sentences.done : sentences.already}.`)
      })

  addChange(
    'disable',
    'end the sessions of a person and what they allowed apps to do; they can not sign in until enabled',
    { done: 'can not sign in any more', already: 'was disabled already' },
    disablePerson,
  )
  addChange(
    'enable',
    'let a disabled person sign in again',
    { done: 'can sign in again', already: 'is not disabled' },
    enablePerson,
  )

  person
    .command('remove')
    .argument('<email>', 'who')
    .requiredOption('--org <id or slug>', 'the organization that they leave')
    .description('remove a person from an organization; its keys stay')
    .action(async (email: string, { org }: { org: string }, command: Command) => {
      const { person: gone, organization } = await withDatabase(async ({ opened: { database } }) => {
        const them = await personOf(database.knex, email)
        const from = await organizationOf(database.knex, org)
        await removeMember(database.knex, { organization: from.id, person: them.id, by })
        return { person: them, organization: from }
      })
      const shownAs = { id: gone.id, email: gone.email, organization_id: organization.id }
      answer(command, shownAs, `${gone.email} belongs to ${organization.name} no longer.`)
    })
}

const showMember = ({ person, email, name, role, since }: Member) => ({
  id: person,
  email,
  name,
  role,
  since,
})

async function invite({ opened, config, profile }: Session, email: string, org: string, role: Role) {
  const { knex } = opened.database
  const organization = await organizationOf(knex, org)
  const wanted = { organization: organization.id, email, role, by }
  const { invitation, token } = await inviteMember(knex, wanted, systemClock())
  const url = invitationUrl(config.publicUrl, token)
  const letter = {
    invitation,
    url,
    organization: organization.name,
    inviter: null,
    brand: profile.brand.name,
  }
  // Without a mail server the mailer prints, which this answer does anyway.
  const mailer = config.mail ? createMailer(config, createLog('silent'), () => {}) : null
  const mailed = mailer !== null && (await sendInvitation(mailer, letter))
  return {
    id: invitation.id,
    organization: organization.id,
    email: invitation.email,
    role,
    expires_at: invitation.expiresAt,
    link: url.reveal(),
    mailed,
  }
}

interface Made {
  readonly person: Person
  readonly link: string | null
}

const shown = ({ person, link }: Made) => ({ ...person, set_up_link: link })
const textOf = ({ person, link }: Made) =>
  link ? `${person.email}: choose a password within 30 minutes at\n${link}` : `${person.email} can sign in.`

function create(
  session: Session,
  email: string,
  { name, org, role, password }: CreateOptions,
): Promise<Made> {
  return session.opened.database.knex.transaction(async (tx) => {
    const mistake = password === undefined ? null : passwordMistake(password)
    if (mistake) throw new Problem('invalid_parameter', { say: `--password: ${mistake}` })
    const person = await createPerson(tx, { email, name: name ?? null, by })
    if (org !== undefined) {
      const { id } = await organizationOf(tx, org)
      // Somebody has to be able to let the others in.
      const as = role ?? ((await hasMembers(tx, id)) ? 'MEMBER' : 'ADMIN')
      await addMember(tx, { organization: id, person: person.id, role: as, by })
    }
    if (password !== undefined) await setPasswordHash(tx, person.id, await hashPassword(password))
    return { person, link: password === undefined ? await newLink(tx, session, person) : null }
  })
}

/** Disabled or not. @throws Problem resource_not_found */
async function personOf(db: Db, email: string) {
  return found(await findPersonByEmail(db, email), `There is nobody with ${email}.`)
}

/** A one-time link in place of all older ones, told in the ledgers of the person's organizations. */
async function newLink(tx: Tx, { config }: Session, { id }: Person): Promise<string> {
  await deleteUnusedLinks(tx, id)
  const token = await createSetUpToken(tx, id, systemClock())
  const entry = { by, action: 'person.link_created', target: id } as const
  await recordForEach(tx, await listOrganizationIds(tx, id), entry)
  return setUpUrl(config.publicUrl, token).reveal()
}
