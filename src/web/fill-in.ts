// Sentences with gaps ("{app} wants access"), as pages show them.

export type Gaps = Readonly<Record<string, string>>

/** As plain text, for a title. A gap that is not filled stays as it is written. */
export function fillText(sentence: string, gaps: Gaps): string {
  return sentence.replace(/\{(\w+)\}/g, (gap, name: string) => gaps[name] ?? gap)
}

/**
 * As HTML: everything is escaped, and what fills a gap is isolated, so that a name in another direction of
 * writing moves nothing around it (SECURITY U14).
 */
export function fillHtml(sentence: string, gaps: Gaps): string {
  return escapeHtml(sentence).replace(/\{(\w+)\}/g, (gap, name: string) => {
    const text = gaps[name]
    return text === undefined ? gap : `<bdi>${escapeHtml(text)}</bdi>`
  })
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? character)
}
