// Invitations: who may make and cancel one, what its link opens, and that it opens once.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { byServer } from '../../src/core/attribution.ts'
import { loadConfig } from '../../src/core/config.ts'
import { Problem } from '../../src/core/problems.ts'
import { createLog } from '../../src/core/telemetry.ts'
import { Secret } from '../../src/lib/secret.ts'
import { createMailer, type Mailer } from '../../src/mail/mailer.ts'
import { acceptAsNewcomer, acceptAsPerson } from '../../src/operators/accept-invitation.ts'
import { writeInvitation } from '../../src/operators/invitation-mail.ts'
import { cancelInvitation, inviteAgain, inviteMember } from '../../src/operators/invite.ts'
import { findPersonByEmail } from '../../src/operators/person-store.ts'
import { updateRole } from '../../src/organizations/membership-store.ts'
import {
  lockOrganizations,
  refreshStopped,
  setSuspended,
} from '../../src/organizations/organization-store.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { invite, linkIn, openMembers } from '../support/invitations.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { freePort } from '../support/port.ts'

const day = 86_400
const newcomer = { name: 'Ben Bone', password, from: { address: null, requestId: null } }

async function setUp(t: TestContext, mailer?: Mailer) {
  const house = await startHouse(t, mailer ? { mailer } : {})
  const acme = await house.organization('Acme')
  await house.person('ann@acme.example', acme)
  const db = house.database.knex
  const ann = await findPersonByEmail(db, 'ann@acme.example')
  assert.ok(ann)
  const by = { actor: { kind: 'person', id: ann.id }, address: null, requestId: null } as const
  const wanted = { organization: acme.id, email: 'ben@acme.example', role: 'MEMBER', by } as const
  return { house, acme, db, ann, by, wanted }
}

const rows = <Row extends object>(house: House, sql: string) => queryDatabase<Row>(house.databaseUrl, sql)
const rolesIn = async (house: House) =>
  (
    await rows<{ email: string; role: string }>(
      house,
      'select email, role from memberships join persons on id = person_id order by email collate "C"',
    )
  ).map(({ email, role }) => `${email} ${role}`)
const ledger = (house: House) =>
  rows<{ action: string; actor_id: string | null; target: string; details: object }>(
    house,
    `select action, actor_id, target, details from audit_events where action like 'member.%' order by id`,
  )

const isProblem = (code: string, param?: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof Problem, String(thrown))
  assert.equal(thrown.code, code)
  if (param) assert.equal(thrown.details.param, param)
  return true
}

async function suspend(house: House, id: `org_${string}`): Promise<void> {
  await house.database.knex.transaction(async (tx) => {
    await lockOrganizations(tx, [id])
    await setSuspended(tx, id, new Date())
    await refreshStopped(tx, [id])
  })
}

test('an invitation keeps no secret: the hash of its token alone, and none in the ledger or the log', async (t) => {
  const { house, ann, wanted, db } = await setUp(t)
  const { invitation, token } = await inviteMember(db, wanted, new Date())
  const kept = JSON.stringify([
    await rows(house, "select id, email, role, invited_by, encode(hash, 'hex') from invitations"),
    await rows(house, 'select details from audit_events'),
    house.log(),
  ])
  assert.ok(!kept.includes(token.reveal()))
  const page = await new PersonBrowser(house.url).open(`/invitation?token=${token.reveal()}`)
  assert.equal(page.status, 200)
  assert.ok(!house.log().includes(token.reveal()), 'the access log has no queries')
  const [entry] = await ledger(house)
  assert.deepEqual([entry?.action, entry?.actor_id, entry?.target], ['member.invited', ann.id, invitation.id])
})

test('inviting an address again, in any case of letters, replaces the link and moves the end', async (t) => {
  const { house, wanted, db } = await setUp(t)
  const now = new Date()
  const first = await inviteMember(db, wanted, now)
  const later = new Date(now.getTime() + 3 * day * 1000)
  const second = await inviteMember(db, { ...wanted, email: 'BEN@acme.example', role: 'ADMIN' }, later)
  assert.equal(second.invitation.id, first.invitation.id)
  assert.deepEqual(second.invitation.expiresAt, new Date(later.getTime() + 7 * day * 1000))
  const again = await inviteAgain(
    db,
    { organization: wanted.organization, invitation: first.invitation.id, by: wanted.by },
    later,
  )
  for (const { token } of [first, second])
    assert.equal(await acceptAsNewcomer(db, { ...newcomer, token: token.reveal() }, later), null)
  assert.ok(await acceptAsNewcomer(db, { ...newcomer, token: again.token.reveal() }, later))
  assert.deepEqual(await rolesIn(house), ['BEN@acme.example ADMIN', 'ann@acme.example ADMIN'])
  assert.deepEqual(
    (await ledger(house)).map(({ action }) => action),
    ['member.invited', 'member.invited', 'member.invited', 'member.added'],
  )
})

test('of many who invite one address at once each has a link, and the last link alone works', async (t) => {
  const { house, wanted, db } = await setUp(t)
  const made = await Promise.all(Array.from({ length: 8 }, () => inviteMember(db, wanted, new Date())))
  assert.equal((await rows(house, 'select id from invitations')).length, 1)
  const pages = await Promise.all(
    made.map(({ token }) => new PersonBrowser(house.url).open(`/invitation?token=${token.reveal()}`)),
  )
  assert.deepEqual(pages.map(({ status }) => status).sort(), [200, ...Array(7).fill(410)])
})

test('of many who accept one link at once one wins, and the others are told that it was used', async (t) => {
  const { house, wanted, db } = await setUp(t)
  const { token } = await inviteMember(db, wanted, new Date())
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => acceptAsNewcomer(db, { ...newcomer, token: token.reveal() }, new Date())),
  )
  assert.equal(answers.filter((answer) => answer !== null).length, 1)
  assert.deepEqual(await rolesIn(house), ['ann@acme.example ADMIN', 'ben@acme.example MEMBER'])
  assert.equal((await rows(house, `select id from audit_events where action = 'member.added'`)).length, 1)
})

test('a cancellation and an acceptance at once: one of them is done, and the ledger tells which', async (t) => {
  const { house, wanted, db, by } = await setUp(t)
  for (let round = 0; round < 6; round += 1) {
    const email = `guest${round}@acme.example`
    const { invitation, token } = await inviteMember(db, { ...wanted, email }, new Date())
    const request = { organization: wanted.organization, invitation: invitation.id, by }
    const [cancelled, accepted] = await Promise.all([
      cancelInvitation(db, request).catch((thrown: unknown) => {
        assert.ok(isProblem('member_conflict')(thrown))
        return null
      }),
      acceptAsNewcomer(db, { ...newcomer, token: token.reveal() }, new Date()),
    ])
    assert.equal(cancelled === null, accepted !== null)
    const last = (await ledger(house)).at(-1)
    assert.equal(last?.action, accepted ? 'member.added' : 'member.invitation_cancelled')
    assert.equal((await findPersonByEmail(db, email)) !== null, accepted !== null, 'both or neither')
  }
})

test('a cancelled link, and one that is older than 7 days, open nothing', async (t) => {
  const { house, wanted, db, by } = await setUp(t)
  const old = await inviteMember(db, wanted, new Date(Date.now() - 7 * day * 1000))
  const other = await inviteMember(db, { ...wanted, email: 'cy@acme.example' }, new Date())
  const request = { organization: wanted.organization, invitation: other.invitation.id, by }
  await cancelInvitation(db, request)
  for (const { token } of [old, other]) {
    const page = await new PersonBrowser(house.url).open(`/invitation?token=${token.reveal()}`)
    assert.equal(page.status, 410)
    assert.match(page.html, /used, cancelled or replaced/)
    assert.equal(await acceptAsNewcomer(db, { ...newcomer, token: token.reveal() }, new Date()), null)
  }
  await assert.rejects(cancelInvitation(db, request), isProblem('member_conflict'))
  await assert.rejects(inviteAgain(db, request, new Date()), isProblem('member_conflict'))
  assert.deepEqual(await rolesIn(house), ['ann@acme.example ADMIN'])
})

test('only an administrator invites, sends again and cancels, even when the role was lost a moment ago', async (t) => {
  const { house, acme, ann, db, by, wanted } = await setUp(t)
  await house.person('cy@acme.example', acme)
  const { invitation } = await inviteMember(db, wanted, new Date())
  await db.transaction((tx) => updateRole(tx, acme.id, ann.id, 'MEMBER'))
  const request = { organization: acme.id, invitation: invitation.id, by }
  const late = { ...wanted, email: 'late@acme.example' }
  await assert.rejects(inviteMember(db, late, new Date()), isProblem('not_allowed'))
  await assert.rejects(inviteAgain(db, request, new Date()), isProblem('not_allowed'))
  await assert.rejects(cancelInvitation(db, request), isProblem('not_allowed'))
  assert.equal((await rows(house, 'select id from invitations')).length, 1)
})

test('an organization that is suspended invites nobody and lets nobody in', async (t) => {
  const { house, acme, db, wanted, by } = await setUp(t)
  const { invitation, token } = await inviteMember(db, wanted, new Date())
  await suspend(house, acme.id)
  const request = { organization: acme.id, invitation: invitation.id, by }
  const refused = isProblem('organization_suspended')
  const late = { ...wanted, email: 'late@acme.example' }
  await assert.rejects(inviteMember(db, late, new Date()), refused)
  await assert.rejects(inviteAgain(db, request, new Date()), refused)
  await assert.rejects(acceptAsNewcomer(db, { ...newcomer, token: token.reveal() }, new Date()), refused)
  const page = await new PersonBrowser(house.url).open(`/invitation?token=${token.reveal()}`)
  assert.equal(page.status, 403)
  assert.match(page.html, /suspended/)
  assert.deepEqual(await rolesIn(house), ['ann@acme.example ADMIN'])
})

test('a suspension and an acceptance at once: who is let in was let in before it', async (t) => {
  const { house, acme, db, wanted } = await setUp(t)
  const { token } = await inviteMember(db, wanted, new Date())
  const [, accepted] = await Promise.all([
    suspend(house, acme.id),
    acceptAsNewcomer(db, { ...newcomer, token: token.reveal() }, new Date()).catch((thrown: unknown) => {
      isProblem('organization_suspended')(thrown)
      return null
    }),
  ])
  const expected = accepted
    ? ['ann@acme.example ADMIN', 'ben@acme.example MEMBER']
    : ['ann@acme.example ADMIN']
  assert.deepEqual(await rolesIn(house), expected)
  assert.equal(
    (await rows(house, 'select id from invitations where accepted_at is null')).length,
    accepted ? 0 : 1,
  )
})

test('a link for somebody who has an account makes no second one, and opens nothing without their sign-in', async (t) => {
  const { house, db, wanted } = await setUp(t)
  const other = await house.organization('Other')
  await house.person('ben@acme.example', other)
  await house.person('eve@acme.example', other)
  const ben = await findPersonByEmail(db, 'ben@acme.example')
  const eve = await findPersonByEmail(db, 'eve@acme.example')
  assert.ok(ben && eve)
  const { token } = await inviteMember(db, { ...wanted, email: 'Ben@Acme.Example' }, new Date())
  const from = { address: null, requestId: null }
  const it = { token: token.reveal(), from }
  await assert.rejects(acceptAsNewcomer(db, { ...newcomer, ...it }, new Date()), isProblem('not_allowed'))
  await assert.rejects(acceptAsPerson(db, { ...it, person: eve.id }, new Date()), isProblem('not_allowed'))
  assert.ok(await acceptAsPerson(db, { ...it, person: ben.id }, new Date()), 'a refusal spends nothing')
  assert.equal(await acceptAsPerson(db, { ...it, person: ben.id }, new Date()), null)
})

test('whoever is a member already when they accept stays what they are', async (t) => {
  const { house, acme, db, wanted } = await setUp(t)
  const { token } = await inviteMember(db, { ...wanted, role: 'ADMIN' }, new Date())
  await house.person('ben@acme.example', acme, 'MEMBER')
  const ben = await findPersonByEmail(db, 'ben@acme.example')
  assert.ok(ben)
  const from = { address: null, requestId: null }
  assert.ok(await acceptAsPerson(db, { token: token.reveal(), from, person: ben.id }, new Date()))
  assert.deepEqual(await rolesIn(house), ['ann@acme.example ADMIN', 'ben@acme.example MEMBER'])
  await assert.rejects(inviteMember(db, wanted, new Date()), isProblem('invalid_parameter', 'email'))
})

test('a mail arrives at a real mail server with the link that lets in; when the server is away the link is shown', async (t) => {
  const port = await freePort()
  const received: string[] = []
  const recipients: string[] = []
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      recipients.push(...session.envelope.rcptTo.map(({ address }) => address))
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        received.push(Buffer.concat(chunks).toString('utf8'))
        done()
      })
    },
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  const config = loadConfig({
    SMTP_URL: `smtp://127.0.0.1:${port}`,
    MAIL_FROM: 'Acme <no-reply@acme.example>',
  })
  const mailer = createMailer(config, createLog('silent'), () => {})
  const { house } = await setUp(t, mailer)
  const browser = new PersonBrowser(house.url)
  const page = await openMembers(browser, 'ann@acme.example')
  const sent = await invite(browser, page, 'ben@acme.example')
  assert.match(sent.html, /We sent a link to <bdi><strong>ben@acme\.example/)
  assert.ok(!sent.html.includes('/invitation?token='), 'who invites is not shown the link')
  assert.deepEqual(recipients, ['ben@acme.example'])
  const raw = received[0] ?? ''
  assert.match(raw, /^From: Acme <no-reply@acme\.example>\r$/m)
  assert.match(raw, /^Subject: Join Acme on BoothZen\r$/m)
  const plain = raw
    .replaceAll('=\r\n', '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  assert.match(plain, /ann@acme\.example invites you to join Acme on BoothZen as a member\./)
  const link = linkIn(plain.replaceAll('\r', ''))
  assert.equal((await new PersonBrowser(house.url).open(link)).status, 200)

  await close()
  const shown = await invite(browser, page, 'cy@acme.example')
  assert.match(shown.html, /Pass this link on now/)
  const other = /value="([^"]+\/invitation\?token=[\w-]+)"/.exec(shown.html)?.[1] ?? ''
  assert.match((await new PersonBrowser(house.url).open(other)).html, /cy@acme\.example/)
})

test('in development the link is printed on the terminal and shown on the page as well', async (t) => {
  const printed: string[] = []
  const mailer = createMailer(loadConfig({}), createLog('silent'), (text) => printed.push(text))
  const { house } = await setUp(t, mailer)
  const browser = new PersonBrowser(house.url)
  const shown = await invite(browser, await openMembers(browser, 'ann@acme.example'), 'ben@acme.example')
  assert.ok(shown.html.includes(linkIn(printed.join(''))))
})

test('U14 what people call themselves and their organizations can write no line, header or paragraph of a mail', async () => {
  const evil = 'Acme\r\nBcc: eve@evil.example\n\nOpen http://evil.example \u202egnp'
  const mail = writeInvitation({
    invitation: {
      id: 'invite_1',
      organization: 'org_1',
      email: 'ben@acme.example',
      role: 'ADMIN',
      invitedBy: null,
      createdAt: new Date(0),
      expiresAt: new Date(0),
    },
    url: new Secret('http://localhost/invitation?token=x'),
    organization: evil,
    inviter: evil.repeat(400),
    brand: 'BoothZen',
  })
  assert.doesNotMatch(mail.subject, /[\r\n\u202e]/)
  assert.doesNotMatch(mail.text, /^Bcc|^Open http|\u202e/m)
  assert.ok(mail.text.length < 1000, 'however long they are')
  assert.match(mail.text, /until 1 January 1970, 00:00 UTC:/)
})

test('U14 no invitation goes to what is no plain address, or looks like another one', async (t) => {
  const { house, wanted, db } = await setUp(t)
  const browser = new PersonBrowser(house.url)
  const members = await openMembers(browser, 'ann@acme.example')
  const hostile = [
    '',
    'nobody',
    'a@b@c.example',
    'ben@acme.example, eve@evil.example',
    'eve@evil.example,ben@acme.example',
    '<script>alert(1)</script>@acme.example',
    '"ben" <ben@acme.example>',
    'ben\u202e@acme.example',
    'b\u200ben@acme.example',
    'ben@acme.example\r\nBcc: eve@evil.example',
    'ben\u0000@acme.example',
    `${'b'.repeat(10_240)}@acme.example`,
  ]
  for (const email of hostile) {
    const invited = inviteMember(db, { ...wanted, email }, new Date())
    await assert.rejects(invited, isProblem('invalid_parameter', 'email'), JSON.stringify(email))
    const page = await invite(browser, members, email)
    assert.equal(page.status, 422, email)
    assert.match(page.html, /<title>Error: Members/)
    assert.match(page.html, /id="email"[^>]* aria-invalid="true"/)
    assert.doesNotMatch(page.html, /<script>alert/)
  }
  assert.equal(house.mails.length, 0)
  assert.equal((await rows(house, 'select id from invitations')).length, 0)
})

test('an invitation by command line names nobody as its maker', async (t) => {
  const { house, wanted, db } = await setUp(t)
  const { invitation } = await inviteMember(db, { ...wanted, by: byServer }, new Date())
  assert.equal(invitation.invitedBy, null)
  assert.equal((await ledger(house))[0]?.actor_id, null)
})
