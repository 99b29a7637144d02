import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { assertAccessible } from './axe.ts'
import { launchChromium } from './chromium.ts'

const css = `
  :root { color-scheme: light dark; font: 100%/1.5 sans-serif }
  body { margin: 1rem }
  main > * { transition: color 5s }
  button, .wide { display: inline-block; min-height: 44px; min-width: 44px }
  .skip { position: absolute; left: -9999px }
  @media (prefers-color-scheme: dark) { body { background: #111; color: #eee } a { color: #9cf } }`

const decent = `
  <a class="skip" href="#main">Skip to the page</a>
  <main id="main" tabindex="-1">
    <h1>Your keys</h1>
    <p>Read <a href="#main">how keys work</a> before you make one.</p>
    <button type="button">Make a key</button> <p role="status"></p>
    <label class="wide"><input type="checkbox"> For the test mode</label>
  </main>`

const bad = `
  <main>
    <h1>Your keys</h1>
    <img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">
    <p class="pale">Nobody can read this.</p>
    <p>In a sentence <a href="#b">k</a> is fine.</p>
    <ul><li><a href="#a">k</a></li></ul>
    <p class="broad">sideways</p>
  </main>`

const pages: Record<string, string> = {
  '/style.css': `${css} .pale { color: #ccc; background: #fff } .broad { width: 700px }`,
  '/script.js': `document.querySelector('button').onclick = () => {
    document.querySelector('[role=status]').textContent = 'Made.'
  }`,
  '/decent': `${decent}<script src="/script.js"></script>`,
  '/bad': bad,
}

let server: Server
let origin: string
let browser: Browser

before(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? '/'
    const body = pages[path] ?? ''
    const type = path.endsWith('.css') ? 'text/css' : path.endsWith('.js') ? 'text/javascript' : 'text/html'
    response.setHeader('Content-Type', `${type}; charset=utf-8`)
    response.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'self'; script-src 'self'")
    const head = '<html lang="en"><meta name="viewport" content="width=device-width"><title>Keys</title>'
    const html = `<!doctype html>${head}<link rel="stylesheet" href="/style.css">${body}`
    response.end(type === 'text/html' ? html : body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  browser = await launchChromium()
})

after(async () => {
  await browser?.close()
  server?.closeAllConnections()
  server?.close()
})

async function open(path: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(origin + path)
  return page
}

test('a person can click a button', async () => {
  const page = await open('/decent')
  await page.getByRole('button', { name: 'Make a key' }).click()
  assert.equal(await page.getByRole('status').textContent(), 'Made.')
})

test('a decent page passes, in four pictures, and the window is put back', async () => {
  const pictures = ['320-light', '320-dark', '1280-light', '1280-dark'].map((state) =>
    join(import.meta.dirname, `../../test-output/screenshots/chromium-decent-${state}.png`),
  )
  for (const picture of pictures) rmSync(picture, { force: true })
  const page = await open('/decent')
  await assertAccessible(page, 'chromium-decent')
  assert.deepEqual(pictures.filter(existsSync), pictures)
  assert.deepEqual(page.viewportSize(), { width: 1280, height: 900 })
  assert.equal(await page.evaluate('matchMedia("(prefers-color-scheme: light)").matches'), true)
})

test('a bad page fails, and the message says where and what', async () => {
  const page = await open('/bad')
  await assert.rejects(assertAccessible(page, 'chromium-bad'), ({ message }: Error) => {
    assert.match(message, /chromium-bad, 320 px, light: image-alt: .*\n.*<img src="data:/)
    assert.match(message, /chromium-bad, 1280 px, dark: color-contrast: .*\n.*<p class="pale">/)
    assert.match(
      message,
      /chromium-bad, 320 px, dark: overflow: the page is 7\d\d px wide.*\n.*class="broad"/,
    )
    assert.match(message, /chromium-bad, 1280 px, light: small target: .*\n.*<a href="#a">/)
    assert.doesNotMatch(message, /1280 px, \w+: overflow|small target.*\n.*href="#b"/)
    return true
  })
})

test('nothing but this machine can be reached', async () => {
  const heard: string[] = []
  const outside = createTcpServer((socket) => {
    heard.push(String(socket.localAddress))
    socket.destroy()
  })
  await once(outside.listen(0), 'listening')
  const { port } = outside.address() as AddressInfo
  // Addresses of this machine that are not its loopback stand for the world: they could be reached.
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  const worlds = addresses.filter(({ internal }) => !internal)
  const hosts = worlds.map(({ family, address }) => (family === 'IPv6' ? `[${address}]` : address))
  const page = await open('/decent')
  for (const host of [...hosts, 'example.com', '169.254.169.254']) {
    await assert.rejects(page.goto(`http://${host}:${port}/`), /ERR_NAME_NOT_RESOLVED/, host)
  }
  outside.close()
  assert.deepEqual(heard, [])
})
