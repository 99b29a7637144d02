// Members and invitations in a real Chromium: by a person's steps, with JavaScript and without.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { type House, startHouse } from '../support/house.ts'
import { lastLink } from '../support/invitations.ts'
import { password } from '../support/password.ts'

let browser: Browser

before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

async function newPage(
  t: TestContext,
  javaScriptEnabled = true,
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ javaScriptEnabled })
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    // Chromium says so itself of every answer of 400 and above; those pages are looked at on purpose.
    if (message.type() === 'error' && !message.text().includes('the server responded with a status of'))
      complaints.push(message.text())
  })
  return { page, complaints }
}

async function signIn(page: Page, house: House, email: string): Promise<void> {
  await page.goto(`${house.url}/admin/members`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Members', level: 1 }).waitFor()
}

test('members, invitations, roles and removal: every state of every page is accessible', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme Photo Booths of Northern England and the Isle of Man')
  await house.person('ann@acme.example', organization)
  const { page, complaints } = await newPage(t)
  await signIn(page, house, 'ann@acme.example')
  await assertAccessible(page, 'members-alone')

  await page.getByRole('link', { name: 'Manage ann@acme.example' }).click()
  await page.getByText('You are the only administrator.').waitFor()
  await assertAccessible(page, 'member-only-admin')
  await page.goBack()

  await page.getByLabel('Email address').fill('ann@acme.example')
  await page.getByLabel('Administrator').check()
  await page.getByRole('button', { name: 'Invite', exact: true }).click()
  await page.getByRole('alert').waitFor()
  assert.match(await page.title(), /^Error: /)
  assert.equal(await page.evaluate('document.activeElement.id'), 'mistake')
  assert.equal(
    await page.getByLabel('Email address').inputValue(),
    'ann@acme.example',
    'what was typed is kept',
  )
  assert.ok(await page.getByLabel('Administrator').isChecked())
  await assertAccessible(page, 'members-mistake')

  await page
    .getByLabel('Email address')
    .fill('a.rather.long.address.of.ben@subsidiary.acme-photo-booths.example')
  await page.getByRole('button', { name: 'Invite', exact: true }).click()
  await page.getByText('We sent a link to').waitFor()
  await page.getByLabel('Email address').fill('cy@acme.example')
  await page.getByLabel('Member', { exact: false }).last().check()
  await page.getByRole('button', { name: 'Invite', exact: true }).click()
  await page.getByText('We sent a link to cy@acme.example').waitFor()
  await assertAccessible(page, 'members-invited')

  const guest = await newPage(t)
  await guest.page.goto(lastLink(house))
  await assertAccessible(guest.page, 'invitation-newcomer')
  await guest.page.getByLabel('Your name').fill('Cy Twombly')
  await guest.page.getByLabel('Password', { exact: true }).fill('a long enough password')
  await guest.page.getByLabel('Password again').fill('another long password')
  await guest.page.getByRole('button', { name: 'Join' }).click()
  await guest.page.getByRole('alert').waitFor()
  assert.equal(await guest.page.getByLabel('Your name').inputValue(), 'Cy Twombly', 'what was typed is kept')
  await assertAccessible(guest.page, 'invitation-mistake')
  await guest.page.getByLabel('Password', { exact: true }).fill(password)
  await guest.page.getByLabel('Password again').fill(password)
  await guest.page.getByRole('button', { name: 'Join' }).click()
  await guest.page.getByRole('heading', { name: 'API keys' }).waitFor()
  await guest.page.goto(lastLink(house))
  await guest.page.getByRole('heading', { name: 'Something is not right' }).waitFor()
  await assertAccessible(guest.page, 'invitation-used')
  await guest.page.goto(`${house.url}/admin/members`)
  assert.equal(await guest.page.getByRole('button', { name: 'Invite' }).count(), 0, 'a member has no forms')
  await assertAccessible(guest.page, 'members-as-member')

  await page.reload()
  await page.getByRole('link', { name: 'Manage Cy Twombly' }).click()
  await assertAccessible(page, 'member')
  await page.getByLabel('Administrator').check()
  await page.getByRole('button', { name: 'Save the role' }).click()
  await page.getByText('The role is changed.').waitFor()
  await assertAccessible(page, 'members-role-changed')

  const { id } = await house.database.knex('persons').where({ name: 'Cy Twombly' }).first('id')
  await house.key(organization, 'live', ['read:bookings'])
  await house.key(organization, 'test', ['read:bookings'])
  await house.database.knex('api_keys').update({ created_by: id })
  await page.getByRole('link', { name: 'Manage Cy Twombly' }).click()
  await page.getByRole('link', { name: 'Remove Cy Twombly' }).click()
  await page.getByRole('heading', { name: 'This stays' }).waitFor()
  await assertAccessible(page, 'member-remove')
  await page.getByRole('button', { name: 'Remove Cy Twombly' }).click()
  await page.getByText('The person is removed').waitFor()
  await guest.page.goto(`${house.url}/admin/members`)
  await guest.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.deepEqual([...complaints, ...guest.complaints], [])
})

test('an invitation asks who has an account to sign in, and who is somebody else to sign out', async (t) => {
  const house = await startHouse(t)
  const [acme, other] = [await house.organization('Acme'), await house.organization('Other')]
  await house.person('ann@acme.example', acme)
  await house.person('ben@acme.example', other)
  const { page, complaints } = await newPage(t)
  await signIn(page, house, 'ann@acme.example')
  await page.getByLabel('Email address').fill('ben@acme.example')
  await page.getByLabel('Administrator').check()
  await page.getByRole('button', { name: 'Invite', exact: true }).click()
  await page.getByText('We sent a link to').waitFor()

  await page.goto(lastLink(house))
  await page.getByText('You are signed in as').waitFor()
  await assertAccessible(page, 'invitation-somebody-else')
  await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('link', { name: 'Sign in to join' }).waitFor()
  await assertAccessible(page, 'invitation-sign-in')
  await page.getByRole('link', { name: 'Sign in to join' }).click()
  await page.getByLabel('Email address').fill('ben@acme.example')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Join' }).waitFor()
  await assertAccessible(page, 'invitation-join')
  await page.getByRole('button', { name: 'Join' }).click()
  await page.getByRole('heading', { name: 'API keys' }).waitFor()
  assert.match(page.url(), /\?org=acme$/, 'the account that was joined is shown')
  assert.deepEqual(complaints, [])
})

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'
  test(`where no mail goes the link is shown once: ${how}`, async (t) => {
    const house = await startHouse(t, { mailer: { way: 'nowhere', send: async () => false } })
    await house.person('ann@acme.example', await house.organization('Acme'))
    const { page, complaints } = await newPage(t, javaScriptEnabled)
    await signIn(page, house, 'ann@acme.example')
    await page.getByLabel('Email address').fill('ben@acme.example')
    await page.getByLabel('Member', { exact: false }).last().check()
    await page.getByRole('button', { name: 'Invite', exact: true }).click()
    await page.getByRole('heading', { name: 'Pass this link on now' }).waitFor()
    const link = await page.getByLabel('Invitation link').inputValue()
    assert.match(link, /\/invitation\?token=[\w-]{43}$/)
    assert.equal(await page.getByRole('button', { name: 'Copy', exact: true }).isVisible(), javaScriptEnabled)
    if (javaScriptEnabled) {
      await assertAccessible(page, 'invitation-link')
      await page.getByRole('button', { name: 'Copy', exact: true }).click()
      await page.getByText(/^(Copied|Press Ctrl)/).waitFor()
    }
    await page.reload()
    await page.getByRole('heading', { name: 'This link was already shown' }).waitFor()
    if (javaScriptEnabled) await assertAccessible(page, 'invitation-link-shown')

    const guest = await newPage(t, javaScriptEnabled)
    await guest.page.goto(link)
    await guest.page.getByLabel('Your name').fill('Ben')
    await guest.page.getByLabel('Password', { exact: true }).fill(password)
    await guest.page.getByLabel('Password again').fill(password)
    await guest.page.getByRole('button', { name: 'Join' }).click()
    await guest.page.getByRole('heading', { name: 'API keys' }).waitFor()

    await page.goto(`${house.url}/admin/members`)
    await page.getByRole('link', { name: 'Manage Ben' }).click()
    await page.getByLabel('Administrator').check()
    await page.getByRole('button', { name: 'Save the role' }).click()
    await page.getByText('The role is changed.').waitFor()
    await page.getByRole('link', { name: 'Manage Ben' }).click()
    await page.getByRole('link', { name: 'Remove Ben' }).click()
    await page.getByRole('button', { name: 'Remove Ben' }).click()
    await page.getByText('The person is removed').waitFor()
    assert.deepEqual([...complaints, ...guest.complaints], [])
  })
}
