// The pages of the documentation, in the order of their menu. Each is Markdown, written from the profile and the
// contract: what a program reads and what a person sees are one text.
import { authenticationPage } from './authentication.ts'
import { errorsPage } from './errors.ts'
import { limitsPage } from './limits.ts'
import { text } from './markdown.ts'
import { overviewPage } from './overview.ts'
import { referencePage } from './reference.ts'
import type { Reader, Subject } from './subject.ts'

export interface Page {
  readonly path: string
  /** As the menu says it. */
  readonly title: string
  /** What one finds there. */
  readonly summary: string
  write(subject: Subject, reader: Reader): string
}

export const overview: Page = {
  path: '/docs',
  title: 'Overview',
  summary: 'The base address, a first request, what every answer has, and how lists are paged.',
  write: overviewPage,
}
export const reference: Page = {
  path: '/docs/reference',
  title: 'Reference',
  summary: 'Every operation, with the scopes that it requires.',
  write: referencePage,
}

export const pages: readonly Page[] = [
  overview,
  {
    path: '/docs/authentication',
    title: 'Authentication',
    summary: 'Credentials and the header that they go into, what they may do, and how to get them.',
    write: authenticationPage,
  },
  {
    path: '/docs/errors',
    title: 'Errors',
    summary: 'The shape of an error, and every code with its cause and its cure.',
    write: errorsPage,
  },
  {
    path: '/docs/limits',
    title: 'Limits',
    summary: 'How many requests are answered, what the headers say of it, and what to do after a 429.',
    write: limitsPage,
  },
  reference,
]

/** The index for programs (llmstxt.org): what there is to read, in one file. */
export function index({ profile, publicUrl }: Subject): string {
  const { brand, basePath } = profile
  return `# ${text(brand.name)} API

> ${text(brand.summary)}

Every page is Markdown at the address below, and a web page at the same address without \`.md\`.

## Docs

${pages.map(({ path, title, summary }) => `- [${title}](${publicUrl}${path}.md): ${summary}`).join('\n')}

## API

- [OpenAPI document](${publicUrl}${basePath}/openapi.json): Every operation, with its parameters, bodies, answers, scopes (\`x-required-scopes\`) and rate class.
`
}

/** A page as a program reads it: with the way to all the others. */
export function asMarkdown(page: Page, subject: Subject, reader: Reader): string {
  const { publicUrl } = subject
  return `> Fetch the complete documentation index at: ${publicUrl}/llms.txt\n> Use this file to discover all available pages before exploring further.\n\n${page.write(subject, reader)}\n`
}
