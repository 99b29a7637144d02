// A person's own account in a real Chromium, by a person's steps, with a script and without.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { authorizationUrl } from '../support/authorization.ts'
import { type House, type HouseOptions, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { type Authenticator, authenticatorOf, recoveryCodesOn } from '../support/second-factor.ts'

const email = 'ann@acme.example'
const words = 'another long password'
let chromium: Browser

before(async () => {
  // Pages are kept for the Back button as they are for people, which a driven browser does not do by itself.
  chromium = await launchChromium()
})
after(() => chromium.close())

async function open(
  t: TestContext,
  { javaScriptEnabled = true, ...options }: HouseOptions & { javaScriptEnabled?: boolean } = {},
) {
  const house = await startHouse(t, options)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const context = await chromium.newContext({ javaScriptEnabled, acceptDownloads: true })
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('the server responded with a status of')) {
      complaints.push(message.text())
    }
  })
  const look = (name: string) => (javaScriptEnabled ? assertAccessible(page, name) : Promise.resolve())
  return { house, organization, context, page, complaints, look }
}

async function signIn(page: Page, house: House, word = password): Promise<void> {
  await page.goto(`${house.url}/sign-in?next=/admin/account`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(word)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor()

/** Every step of turning the second factor on, as far as the recovery codes. */
async function turnOn(
  page: Page,
  house: House,
  look: (name: string) => Promise<void>,
): Promise<Authenticator> {
  await page.getByRole('link', { name: 'Turn on' }).click()
  await heading(page, 'Turn on two-step sign-in')
  await look('second-factor-begin')
  await page.getByLabel('Your password').fill('wrong')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('alert').waitFor()
  await look('second-factor-begin-mistake')
  await page.getByLabel('Your password').fill(password)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: 'Add it to your authenticator app' }).waitFor()
  await look('second-factor-confirm')
  const secret = (await page.locator('code.key').innerText()).replaceAll(' ', '')
  const link = await page.getByRole('link', { name: 'Open it in your app' }).getAttribute('href')
  assert.match(link ?? '', new RegExp(`^otpauth://totp/.*secret=${secret}`))
  await page.getByLabel('The code that the app shows').fill('000000')
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByRole('alert').waitFor()
  await look('second-factor-confirm-mistake')
  await page.getByLabel('The code that the app shows').fill(authenticatorOf(house, secret).code())
  await page.getByRole('button', { name: 'Turn on' }).click()
  await heading(page, 'Save your recovery codes')
  const codes = recoveryCodesOn(await page.getByLabel('Recovery codes').inputValue())
  assert.equal(codes.length, 10)
  return authenticatorOf(house, secret, codes)
}

test('a person turns the second factor on, saves the codes, signs in with it, and turns it off', async (t) => {
  const { house, page, context, complaints, look } = await open(t)
  await signIn(page, house)
  await heading(page, 'Your account')
  await look('account')
  const app = await turnOn(page, house, look)

  assert.ok(await page.locator('.reveal').isVisible())
  await look('recovery-codes')
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.getByRole('button', { name: 'Copy' }).click()
  await page.getByText('Copied.').waitFor()
  assert.deepEqual(recoveryCodesOn(await page.evaluate('navigator.clipboard.readText()')), app.recoveryCodes)
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download' }).click()
  const download = await downloading
  assert.equal(download.suggestedFilename(), 'recovery-codes.txt')
  assert.deepEqual(recoveryCodesOn(await readFile(await download.path(), 'utf8')), app.recoveryCodes)
  await page.getByRole('button', { name: 'I have saved them' }).click()
  await page.getByText('Two-step sign-in is on.').waitFor()
  await look('account-second-factor')
  await page.evaluate('history.back()')
  await page.getByRole('heading', { level: 1 }).waitFor()
  await heading(page, 'These codes were already shown')
  assert.deepEqual(recoveryCodesOn(await page.content()), [])
  await look('recovery-codes-again')

  await page.goto(`${house.url}/admin/account`)
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await signIn(page, house)
  await heading(page, 'Enter your code')
  await look('sign-in-code')
  await page.getByLabel('Code').fill('123 456')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  assert.match(await page.title(), /^Error: /)
  assert.equal(await page.evaluate('document.activeElement.id'), 'mistake')
  await look('sign-in-code-mistake')
  await page.getByRole('link', { name: 'Use a recovery code' }).click()
  await heading(page, 'Use a recovery code')
  await look('sign-in-recovery')
  await page.getByLabel('Recovery code').fill(app.recoveryCodes[0] ?? '')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await heading(page, 'Your account')
  assert.ok(await page.getByText('9 codes are left').isVisible())

  await page.getByRole('link', { name: 'Make new ones' }).click()
  await look('recovery-codes-new')
  await page.getByLabel('Code from your app').fill(app.nextCode())
  await page.getByRole('button', { name: 'Make new codes' }).click()
  await heading(page, 'Save your recovery codes')
  await page.getByRole('button', { name: 'I have saved them' }).click()
  await page.getByRole('link', { name: 'Turn off' }).click()
  await look('second-factor-off')
  await page.getByLabel('Your password').fill(password)
  await page.getByLabel('Code from your app').fill(app.nextCode())
  await page.getByRole('button', { name: 'Turn off' }).click()
  await page.getByText('Two-step sign-in is off.').waitFor()
  assert.deepEqual(complaints, [])
})

test('a person changes name and password, sees every session, ends one, and signs out everywhere', async (t) => {
  const { house, page, complaints, look } = await open(t)
  const other = new PersonBrowser(house.url)
  await other.signIn(await other.open('/sign-in'), email)
  await signIn(page, house)
  await heading(page, 'Your account')
  await page.getByLabel('Name').fill('Ann Anderson-Featherstonehaugh of the Isle of Man')
  await page.getByRole('button', { name: 'Save your name' }).click()
  await page.getByText('Your name was changed.').waitFor()
  await look('account-sessions')
  await page.getByRole('button', { name: /^Sign out .+ signed in/ }).click()
  await page.getByText('That session was signed out.').waitFor()
  assert.match((await other.open('/admin')).html, /name="password"/)

  await page.getByRole('link', { name: 'Change password' }).click()
  await look('account-password')
  const fill = async (current: string, next: string, again: string) => {
    await page.getByLabel('Current password').fill(current)
    await page.getByLabel('New password', { exact: true }).fill(next)
    await page.getByLabel('New password again').fill(again)
    await page.getByRole('button', { name: 'Change password' }).click()
  }
  await fill(password, words, 'something quite different')
  await page.getByRole('alert').waitFor()
  await look('account-password-mistake')
  await fill(password, words, words)
  await page.getByText('Your password was changed.').waitFor()
  await page.getByRole('button', { name: 'Sign out everywhere' }).click()
  await heading(page, 'Sign in')
  await page.goto(`${house.url}/admin/account`)
  await heading(page, 'Sign in')
  await signIn(page, house, words)
  await heading(page, 'Your account')
  assert.deepEqual(complaints, [])
})

test('a person who forgot the password asks for a link, and chooses a new one', async (t) => {
  const { house, page, complaints, look } = await open(t)
  await page.goto(`${house.url}/sign-in`)
  await page.getByRole('link', { name: 'Forgot your password?' }).click()
  await heading(page, 'Forgot your password?')
  await look('forgot-password')
  await page.getByLabel('Email address').fill('ann@')
  await page.evaluate("document.querySelector('main form').noValidate = true")
  await page.getByRole('button', { name: 'Send the link' }).click()
  await page.getByRole('alert').waitFor()
  await look('forgot-password-mistake')
  await page.getByLabel('Email address').fill(email)
  await page.getByRole('button', { name: 'Send the link' }).click()
  await heading(page, 'Check your email')
  await look('forgot-password-sent')
  await house.settle()
  await page.goto(/http\S+/.exec(house.mails[0]?.text ?? '')?.[0] ?? '')
  await heading(page, 'Choose a password')
  await page.getByLabel('Password', { exact: true }).fill(words)
  await page.getByLabel('Password again').fill(words)
  await page.getByRole('button', { name: 'Save and sign in' }).click()
  await heading(page, 'API keys')
  assert.deepEqual(complaints, [])
})

test('where no mail is sent, and where there were too many tries, a page says what to do', async (t) => {
  const { house, page, look } = await open(t, { mailWay: 'nowhere' })
  await page.goto(`${house.url}/forgot-password`)
  await page.getByText('This server sends no email').waitFor()
  await look('forgot-password-no-mail')
  for (let time = 0; time < 11; time += 1) await signIn(page, house, 'wrong')
  await page.getByText('too many tries').waitFor()
  await look('error-too-many-tries')
})

test('on the way to an app the code is asked for in the same words', async (t) => {
  const { house, organization, page, look, complaints } = await open(t)
  await signIn(page, house)
  const app = await turnOn(page, house, async () => {})
  const client = await house.app(organization)
  await page.goto(authorizationUrl(house.url, client.clientId, 'read:bookings', { prompt: 'login' }).url)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await heading(page, 'Enter your code')
  await look('sign-in-code-for-an-app')
  await page.getByLabel('Code').fill(app.nextCode())
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'wants access' }).waitFor()
  assert.deepEqual(complaints, [])
})

test('without a script everything works as well', async (t) => {
  const { house, page, look } = await open(t, { javaScriptEnabled: false })
  const other = new PersonBrowser(house.url)
  await other.signIn(await other.open('/sign-in'), email)
  await signIn(page, house)
  await heading(page, 'Your account')
  const app = await turnOn(page, house, look)
  assert.equal(await page.getByRole('button', { name: 'Copy' }).count(), 0)
  assert.equal(await page.getByRole('button', { name: 'Download' }).count(), 0)
  await page.getByRole('button', { name: 'I have saved them' }).click()
  await page.getByText('Two-step sign-in is on.').waitFor()
  await page.goBack()
  assert.deepEqual(recoveryCodesOn(await page.content()), [], 'not with the Back button')
  await page.goto(`${house.url}/admin/account`)
  await page.getByRole('button', { name: /^Sign out .+ signed in/ }).click()
  await page.getByText('That session was signed out.').waitFor()
  await page.getByLabel('Name').fill('Ann')
  await page.getByRole('button', { name: 'Save your name' }).click()
  await page.getByText('Your name was changed.').waitFor()
  await page.getByRole('button', { name: 'Sign out everywhere' }).click()
  await signIn(page, house)
  await page.getByLabel('Code').fill(app.nextCode())
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('link', { name: 'Change password' }).click()
  await page.getByLabel('Current password').fill(password)
  await page.getByLabel('New password', { exact: true }).fill(words)
  await page.getByLabel('New password again').fill(words)
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByText('Your password was changed.').waitFor()
  await page.getByRole('link', { name: 'Turn off' }).click()
  await page.getByLabel('Your password').fill(words)
  await page.getByLabel('Code from your app').fill(app.recoveryCodes[0] ?? '')
  await page.getByRole('button', { name: 'Turn off' }).click()
  await page.getByText('Two-step sign-in is off.').waitFor()
})
