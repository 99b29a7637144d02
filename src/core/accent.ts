// The vendor's color on our pages: whether it can be read (WCAG 2.2, 1.4.3), and the stylesheet that sets it.

export interface Accent {
  readonly light: string
  readonly dark: string
}

type Theme = keyof Accent

/** What stands on the color, and what the color stands on as a link: as public/app.css has them. */
const surroundings: Readonly<
  Record<Theme, { readonly ink: string; readonly card: string; readonly page: string }>
> = {
  light: { ink: '#ffffff', card: '#ffffff', page: '#f6f7f9' },
  dark: { ink: '#0c1630', card: '#1a2027', page: '#11151a' },
}

/** So much of the color is in the paper of marks that are written in it. */
const tint = 0.12

/** WCAG AA for text: links are written in the color, and the words of buttons on it. */
const enough = 4.5

/** Why a color of a theme can't be read; null for one that can. */
export function accentMistake(theme: Theme, color: string): string | null {
  const { ink, card, page } = surroundings[theme]
  const papers = [card, page, mixed(card, color, tint)]
  const worst = [ink, ...papers]
    .map((other) => ({ other, ratio: contrast(color, other) }))
    .sort((a, b) => a.ratio - b.ratio)[0]
  if (!worst || worst.ratio >= enough) return null
  const what = worst.other === ink && !papers.includes(ink) ? 'the words on buttons' : `the ${theme} page`
  const better = theme === 'light' ? 'darker' : 'lighter'
  return `is ${color}, whose contrast to ${what} (${worst.other}) is ${shown(worst.ratio)}; it must be ${enough}: choose a ${better} one`
}

/** Down, never up: 4.49 is not 4.5. */
const shown = (ratio: number) => (Math.floor(ratio * 100) / 100).toFixed(2)

/** Sets the properties that public/app.css takes its accent from. */
export function accentStyles({ light, dark }: Accent): string {
  const set = (color: string, theme: Theme) =>
    `:root{--accent:${color};--accent-ink:${surroundings[theme].ink}}`
  return `${set(light, 'light')}\n@media (prefers-color-scheme:dark){${set(dark, 'dark')}}\n`
}

/** The same color for dark pages: lighter, until it can be read there. @param color such as #1a4fd0 */
export function colorForDark(color: string): string {
  for (let share = 0; share < 1; share += 0.05) {
    const lighter = mixed(color, '#ffffff', share)
    if (accentMistake('dark', lighter) === null) return lighter
  }
  return '#ffffff'
}

function mixed(one: string, other: string, share: number): string {
  const part = (color: string, at: number) => Number.parseInt(color.slice(at, at + 2), 16)
  const channel = (at: number) => Math.round(part(one, at) * (1 - share) + part(other, at) * share)
  return `#${[1, 3, 5].map((at) => channel(at).toString(16).padStart(2, '0')).join('')}`
}

/** From 1 to 21, as WCAG 2.2 defines it. @param one such as #1a4fd0 */
export function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

function luminance(color: string): number {
  const channel = (at: number) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}
