// Markdown of ours as HTML of ours. HTML in it is text, and a link goes to a page or to nothing.
import { Lexer, Marked, type RendererObject } from 'marked'

/** The article of a page. Scripts find `data-example` and put a button to copy beside it. */
export function toHtml(markdown: string): string {
  return new Marked({ renderer: rendererOf() }).parse(markdown, { async: false, gfm: true })
}

function rendererOf(): RendererObject {
  let section = ''
  const anchorOf = unlikeOthers('-')
  const labelOf = unlikeOthers(', ')
  return {
    html: ({ text }) => escapeHtml(text),
    image: ({ text }) => escapeHtml(text),
    link({ href, tokens }) {
      const inside = this.parser.parseInline(tokens)
      return /^(https?:\/\/|\/(?!\/)|#)/.test(href) ? `<a href="${escapeHtml(href)}">${inside}</a>` : inside
    },
    heading({ text, depth }) {
      // An anchor of its own stands behind a heading as {#name}.
      const [, words = text, name] = /^(.*?)(?:\s*\{#([\w-]+)\})?$/s.exec(text) ?? []
      const inside = this.parser.parseInline(Lexer.lexInline(words))
      if (depth === 1) return `<h1>${inside}</h1>\n`
      const plain = inside.replace(/<[^>]*>/g, '')
      section = plain
      const id = name ?? anchorOf(plain.toLowerCase().replace(/&\w+;|[^\p{L}\p{N}]+/gu, '-'))
      const anchor = `<a class="anchor" href="#${id}" aria-label="Link to ${plain}">#</a>`
      return `<h${depth} id="${id}">${inside} ${anchor}</h${depth}>\n`
    },
    code: ({ text, lang = '' }) => {
      const isAnswer = lang === 'http'
      const kind = isAnswer ? 'answered' : 'request'
      const example = isAnswer ? '' : ' data-example'
      return `<div class="example ${kind}"${example}><pre tabindex="0"><code>${escapeHtml(text)}</code></pre></div>\n`
    },
    // On a narrow screen a long name breaks between its words.
    codespan: ({ text }) =>
      `<code>${text
        .split(/(?<=\w[_/.:])(?=[\w{])/)
        .map(escapeHtml)
        .join('<wbr>')}</code>`,
    table(token) {
      const cells = (row: typeof token.header, name: 'th' | 'td') =>
        row.map(({ tokens }, column) => {
          const inside = this.parser.parseInline(tokens)
          if (name === 'th') return `<th scope="col">${inside}</th>`
          return column === 0 ? `<th scope="row">${inside}</th>` : `<td>${inside}</td>`
        })
      const rows = token.rows.map((row) => `<tr>${cells(row, 'td').join('')}</tr>`).join('\n')
      const label = labelOf(section || 'At a glance')
      const head = `<thead><tr>${cells(token.header, 'th').join('')}</tr></thead>`
      return `<div class="scroll" tabindex="0" role="region" aria-label="${label}">\n<table>\n${head}\n<tbody>\n${rows}\n</tbody>\n</table>\n</div>\n`
    },
  }
}

/** A name as it is, or with a number behind it for the second time and after. */
function unlikeOthers(between: string): (name: string) => string {
  const taken = new Map<string, number>()
  return (name) => {
    const count = (taken.get(name) ?? 0) + 1
    taken.set(name, count)
    return count === 1 ? name : `${name}${between}${count}`
  }
}

function escapeHtml(words: string): string {
  return words.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
