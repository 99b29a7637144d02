/**
 * What every page must be, at each width and in each colour scheme: free of axe findings, no wider than the
 * window, with targets a thumb can hit. Looks at a page as it stands and leaves a picture of each state.
 * Not a whole audit: words, order, focus and what a screen reader says need a person.
 */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'

const widths = [320, 1280]
const schemes = ['light', 'dark'] as const
// axe has no rule for what 2.2 added at level A.
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const screenshots = join(import.meta.dirname, '../../test-output/screenshots')
const patienceMs = 30_000

export async function assertAccessible(page: Page, name: string): Promise<void> {
  assert.match(name, /^[\w.-]+$/, 'the name becomes a file name: letters, digits, ".", "_" and "-"')
  await mkdir(screenshots, { recursive: true })
  const found: string[] = []
  try {
    for (const width of widths) {
      for (const scheme of schemes) {
        await page.setViewportSize({ width, height: 900 })
        await page.emulateMedia({ colorScheme: scheme })
        await ask(page, settle)
        await page.screenshot({ path: join(screenshots, `${name}-${width}-${scheme}.png`), fullPage: true })
        for (const finding of await inspect(page)) found.push(`${name}, ${width} px, ${scheme}: ${finding}`)
      }
    }
  } finally {
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.emulateMedia({ colorScheme: 'light' })
  }
  if (found.length > 0) assert.fail(`${found.length} things to mend on ${page.url()}\n${found.join('\n')}`)
}

async function inspect(page: Page): Promise<string[]> {
  await ask(page, `${axe.source};undefined`)
  return [
    ...(await ask(page, runAxe)),
    ...(await ask(page, findOverflow)),
    ...(await ask(page, findSmallTargets)),
  ]
}

/** Runs a script in the page; a content policy of `default-src 'none'` does not stop it. */
async function ask(page: Page, script: string): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const message = 'The page did not answer: is JavaScript off in this browser context?'
    timer = setTimeout(() => reject(new Error(message)), patienceMs)
  })
  try {
    return await Promise.race([page.evaluate<string[]>(script), late])
  } finally {
    clearTimeout(timer)
  }
}

// @NOTE The scripts below are text, because tsx writes calls of its own helper into functions, and the page
// does not have that helper; and because the types of the DOM have no place in a server.

// A colour halfway through its transition is not the colour people read. Endless animations go on.
const settle = `(async () => {
  await document.fonts.ready
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
  for (const animation of document.getAnimations()) {
    try { animation.finish() } catch {}
  }
})()`

const runAxe = `(async () => {
  const { violations } = await axe.run(document, {
    runOnly: { type: 'tag', values: ${JSON.stringify(tags)} },
    rules: { 'target-size': { enabled: true } },
    resultTypes: ['violations'],
  })
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, any, all, none }) => {
      const why = [...any, ...all, ...none].map((check) => check.message)[0]
      return id + ': ' + (why || help) + '\\n    ' + html
    }))
})()`

// The page must not scroll sideways; a box inside it may. Names what sticks out.
const findOverflow = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth <= clientWidth) return []
  const widest = [...document.body.querySelectorAll('*')]
    .map((element) => ({ element, right: element.getBoundingClientRect().right + scrollX }))
    .filter(({ right }) => right > clientWidth)
    .sort((a, b) => b.right - a.right)
    .slice(0, 3)
    .map(({ element, right }) => '\\n    to ' + Math.round(right) + ' px: ' + element.cloneNode().outerHTML)
  const widths = scrollWidth + ' px wide and the window ' + clientWidth + ' px'
  return ['overflow: the page is ' + widths + widest.join('')]
})()`

// WCAG 2.2, 2.5.8, without its exception for spacing: at least 24 by 24 px. A label belongs to the target
// of its field. Links inside a sentence may be as high as the sentence.
const findSmallTargets = `(() => {
  const targets =
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=link]'
  const around = (boxes) => ({
    width: Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left)),
    height: Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top)),
  })
  const boxOf = (element) => element.getBoundingClientRect()
  // Not shown: a skip link before it has the focus, clipped to a point or moved off the page.
  const isShown = (element) => {
    const { width, height, right, bottom } = boxOf(element)
    if (!element.checkVisibility({ visibilityProperty: true })) return false
    return width > 1 && height > 1 && right + scrollX > 0 && bottom + scrollY > 0
  }
  const blockOf = (element) => {
    const isInline = getComputedStyle(element).display === 'inline'
    return isInline && element.parentElement ? blockOf(element.parentElement) : element
  }
  const isInSentence = (element) => {
    const isInline = getComputedStyle(element).display === 'inline'
    if (!isInline || !element.matches('a[href], [role=link]')) return false
    const block = blockOf(element)
    const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const { data, parentElement } = texts.currentNode
      if (!/[\\p{L}\\p{N}]/u.test(data) || parentElement.closest(targets)) continue
      if (parentElement.checkVisibility() && blockOf(parentElement) === block) return true
    }
    return false
  }
  return [...document.querySelectorAll(targets)].flatMap((element) => {
    if (element.matches(':disabled') || !isShown(element) || isInSentence(element)) return []
    const labels = element.matches('[type=checkbox], [type=radio]') ? [...element.labels].filter(isShown) : []
    const { width, height } = around([element, ...labels].map(boxOf))
    if (width >= 24 && height >= 24) return []
    const size = Math.round(width * 10) / 10 + ' x ' + Math.round(height * 10) / 10
    return ['small target: ' + size + ' px, 24 x 24 wanted\\n    ' + element.outerHTML.slice(0, 300)]
  })
})()`
