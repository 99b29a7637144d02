// Markdown of ours: values are text in it, whatever they hold, and its HTML has nothing that runs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHtml } from '../../src/documentation/html.ts'
import { block, code, stack, table, text } from '../../src/documentation/markdown.ts'

const hostile = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[click](javascript:alert(1))',
  '![x](https://evil.example/x.png)',
  '**bold** _soft_ ~~gone~~',
  '`code` ``more`` |cell|',
  '&lt;b&gt; &#60;i&#62;',
  '# title',
  '- item',
  '+ item',
  '1. item',
  '2) item',
  '> quote',
  '=== ---',
  '{#id} \\ \\* \\`',
  'a\n\nb\n# c',
]
const plain = (html: string) =>
  html.replace(/<[^>]*>/g, '').replace(/&#(\d+);|&(lt|gt|amp|quot);/g, (all, number, name) => {
    if (number) return String.fromCharCode(Number(number))
    return { lt: '<', gt: '>', amp: '&', quot: '"' }[String(name)] ?? all
  })
const oneLine = (words: string) => words.replace(/\s+/g, ' ').trim()

test('a value is shown as it is, in a line, as code, in a cell and in a block', () => {
  for (const value of hostile) {
    assert.equal(oneLine(plain(toHtml(text(value)))), oneLine(value), 'a paragraph')
    assert.equal(
      plain(toHtml(`It is ${code(value)}.`)).trim(),
      `It is ${value.replace(/\s+/g, ' ')}.`,
      'code',
    )
    const cells = toHtml(table(['Head'], [[text(value)], [code(value)]]))
    const [, first = '', second = ''] = [...cells.matchAll(/<t[hd] scope="\w+">(.*?)<\/t[hd]>/g)].map(
      ([, it]) => it,
    )
    assert.equal(oneLine(plain(first)), oneLine(value), 'a cell')
    assert.equal(plain(second), value.replace(/\s+/g, ' '), 'code in a cell')
    assert.equal(plain(toHtml(block('sh', value))).trimEnd(), value, 'a block')
    for (const html of [toHtml(text(value)), cells, toHtml(block('sh', value))]) {
      assert.doesNotMatch(
        html,
        /<(script|img|i|b|strong|em|del|h1|li|blockquote|hr)\b|href="javascript/,
        value,
      )
    }
  }
})

test('HTML in Markdown is text, and a link goes to a page or to nothing', () => {
  const html = toHtml(
    '<b>x</b>\n\n<div onclick=x>\n\n[a](javascript:x) [b](//evil.example) [c](/docs) <https://a.example>',
  )
  assert.doesNotMatch(html, /<b>|<div|href="(javascript|\/\/)/)
  assert.match(html, /<a href="\/docs">c<\/a>/)
  assert.match(html, /<a href="https:\/\/a\.example">/)
})

test('every heading has an anchor of its own, and every table a name of its own', () => {
  const same = stack('## Same', table(['a'], [['b']]), table(['a'], [['b']]))
  const html = toHtml(stack('# Title', same, same, '### 401 `code` {#our_code}', table(['a'], [['b']])))
  const all = (pattern: RegExp) => [...html.matchAll(pattern)].map(([, it]) => it)
  assert.deepEqual(all(/ id="([^"]+)"/g), ['same', 'same-2', 'our_code'])
  assert.deepEqual(all(/region" aria-label="([^"]+)"/g), [
    'Same',
    'Same, 2',
    'Same, 3',
    'Same, 4',
    '401 code',
  ])
  assert.match(toHtml(stack('## keys', table(['a'], [['b']]))), / id="keys"[\s\S]* aria-label="keys"/)
  assert.ok(html.includes('<h3 id="our_code">401 <code>code</code> <a class="anchor"'))
})
