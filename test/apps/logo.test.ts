// Logos: what strangers bring is drawn anew, or refused in a sentence.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { remakeLogo } from '../../src/apps/logo.ts'
import { logoAddress } from '../../src/apps/logo-store.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const raw = (width: number, height: number, channels: 3 | 4 = 3) =>
  sharp({ create: { width, height, channels, background: { r: 200, g: 30, b: 30, alpha: 1 } } })
const png = await raw(400, 200).png().toBuffer()
const noise = await sharp(randomBytes(300 * 300 * 3), { raw: { width: 300, height: 300, channels: 3 } })
  .jpeg()
  .toBuffer()

/** A PNG that says it is so large, in a few bytes. */
function claimToBe(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    sum.writeUInt32BE(crc(body))
    return Buffer.concat([length, body, sum])
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 0, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.alloc((width + 1) * Math.min(height, 2000)))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function crc(bytes: Buffer): number {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1
  }
  return (sum ^ 0xffffffff) >>> 0
}

test('D7: a PNG, JPEG or WebP becomes a PNG of 256 × 256, whole, and without what came along', async () => {
  const secret = 'GPS 52.5200 N'
  const sources = [
    png,
    await raw(200, 400)
      .jpeg()
      .withExif({ IFD0: { ImageDescription: secret } })
      .toBuffer(),
    await raw(64, 64, 4).webp().toBuffer(),
  ]
  for (const source of sources) {
    const made = await remakeLogo(source)
    const { format, width, height, exif, icc, hasAlpha } = await sharp(made).metadata()
    assert.deepEqual([format, width, height, exif, icc], ['png', 256, 256, undefined, undefined])
    assert.ok(hasAlpha, 'what is not of the picture can be seen through')
    assert.ok(!made.includes(secret))
    assert.ok(made.length < 64 * 1024)
  }
  // Whole, and in the middle: red in the middle, nothing at the top.
  const { data } = await sharp(await remakeLogo(png))
    .raw()
    .toBuffer({ resolveWithObject: true })
  const pixel = (x: number, y: number) => [...data.subarray((y * 256 + x) * 4, (y * 256 + x) * 4 + 4)]
  assert.deepEqual([pixel(128, 128), pixel(128, 5)[3]], [[200, 30, 30, 255], 0])
})

test('D7: what is hidden behind or within a picture is not kept', async () => {
  const script = '<script>alert(1)</script>'
  for (const polyglot of [
    Buffer.concat([png, Buffer.from(script)]),
    await sharp(png)
      .withExif({ IFD0: { Copyright: script } })
      .png()
      .toBuffer(),
  ])
    assert.ok(!(await remakeLogo(polyglot)).includes('script'))
})

test('D7: any other kind of file, half a picture and an enormous one are refused in a sentence', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
  const animated = await sharp(
    Buffer.concat([0, 128, 255].map((shade) => Buffer.alloc(16 * 16 * 3, shade))),
    { raw: { width: 16, height: 48, channels: 3, pageHeight: 16 } },
  )
    .webp({ loop: 0, delay: [100, 100, 100] })
    .toBuffer()
  const refused: readonly [string, Buffer, RegExp][] = [
    ['svg', Buffer.from(svg), /must be a PNG, JPEG or WebP/],
    ['svg behind a byte order mark', Buffer.from(`\ufeff<?xml version="1.0"?>${svg}`), /must be a PNG/],
    ['gif', await raw(9, 9).gif().toBuffer(), /must be a PNG/],
    ['tiff', await raw(9, 9).tiff().toBuffer(), /must be a PNG/],
    ['html', Buffer.from('<!doctype html><p>'), /must be a PNG/],
    ['nothing', Buffer.alloc(0), /must be a PNG/],
    [
      'the head of a PNG before an SVG',
      Buffer.concat([png.subarray(0, 8), Buffer.from(svg)]),
      /can not be read/,
    ],
    ['the head of a WebP before an SVG', Buffer.from(`RIFF0000WEBP${svg}`), /can not be read/],
    ['half a picture', noise.subarray(0, noise.length / 2), /can not be read/],
    ['an animation', animated, /must stand still/],
    ['a bomb', claimToBe(30_000, 30_000), /at most 4,096 × 4,096 pixels/],
    ['a long bomb', claimToBe(1, 2_000_000_000), /pixels|can not be read/],
    ['too heavy', Buffer.concat([png, Buffer.alloc(1024 * 1024)]), /at most 1 MB/],
  ]
  const before = process.memoryUsage().rss
  for (const [what, bytes, say] of refused)
    await assert.rejects(remakeLogo(bytes), { code: 'invalid_parameter', say }, what)
  assert.ok(process.memoryUsage().rss - before < 300 * 1024 * 1024, 'none of them was unfolded')
})

test('many pictures at once wait for one another, and too many are told to come later', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => remakeLogo(png)))
  const made = outcomes.filter(({ status }) => status === 'fulfilled').length
  assert.equal(made, 18)
  for (const outcome of outcomes) if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'busy')
  await remakeLogo(png)
})

test('a logo in the console: uploaded, shown from our own address, replaced, removed', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const app = await house.app(organization)
  const { knex } = house.database
  await knex('oauth_apps').update({ verified_at: new Date() })
  const page = `/admin/settings/oauth-apps/${app.clientId}`
  const admin = new PersonBrowser(house.url)
  await admin.signIn(await admin.open('/sign-in'), 'ann@acme.example')
  const upload = async (file: Buffer | null, token?: string) => {
    const { html } = await admin.open(`${page}/logo`)
    const body = new FormData()
    body.set('form_token', token ?? /name="form_token" value="([^"]+)"/.exec(html)?.[1] ?? '')
    if (file) body.set('logo', new Blob([file]), 'logo<script>.png')
    return admin.open(`${page}/logo`, { method: 'POST', body })
  }
  assert.match((await upload(null)).html, /Choose a picture first/)
  const svg = await upload(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'))
  assert.equal(svg.status, 422)
  assert.match(svg.html, /#logo">The picture must be a PNG, JPEG or WebP/)
  assert.equal((await upload(png, 'x')).status, 403)
  assert.match(
    (await upload(Buffer.alloc(3 * 1024 * 1024))).html,
    /#logo">The picture must have at most 1 MB/,
  )
  for (const [type, body] of [
    ['text/plain', 'x'],
    ['multipart/form-data', 'x'],
    ['multipart/form-data; boundary=x', '--x\r\nbroken'],
  ] as const) {
    const answer = await admin.request(`${page}/logo`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': type },
    })
    assert.ok([400, 403].includes(answer.status), `${type}: ${answer.status}`)
  }
  assert.deepEqual(await knex('app_logos'), [])

  const saved = await upload(png)
  assert.match(saved.html, /The logo is saved/)
  assert.match(saved.html, /Not verified/, 'a new logo is not what was verified')
  const address = (await logoAddress(knex, app.clientId)) ?? ''
  assert.match(address, /^\/app-logos\/[0-9a-f]{64}\.png$/)
  assert.ok(saved.html.includes(`src="${address}"`))
  const picture = await fetch(house.url + address)
  assert.equal(picture.headers.get('content-type'), 'image/png')
  assert.equal(picture.headers.get('x-content-type-options'), 'nosniff')
  assert.match(picture.headers.get('cache-control') ?? '', /immutable/)
  assert.match(picture.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.equal((await sharp(Buffer.from(await picture.arrayBuffer())).metadata()).width, 256)
  for (const none of [
    `/app-logos/${'0'.repeat(64)}.png`,
    '/app-logos/x.png',
    address.replace('.png', '.svg'),
  ])
    assert.equal((await fetch(house.url + none)).status, 404, none)

  await upload(await raw(90, 90).webp().toBuffer())
  assert.notEqual(await logoAddress(knex, app.clientId), address)
  assert.equal((await fetch(house.url + address)).status, 404)
  const removed = await admin.submit(await admin.open(`${page}/logo`), {}, `${page}/logo/remove`)
  assert.match(removed.html, /The logo has been removed/)
  assert.equal(await logoAddress(knex, app.clientId), null)
  const events = await knex('audit_events').where({ action: 'app.logo_changed' })
  assert.equal(events.length, 3)
})
