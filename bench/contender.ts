// Who is asked the same questions as others, each a process on a database of its own.
import type { SendSlice, Variant } from './compare.ts'
import { RunFailed } from './run-failed.ts'
import type { ServerProcess } from './server-process.ts'
import { placeholder, type Target } from './target.ts'

export const questions = ['verify', 'introspect', 'refresh', 'create'] as const
export type Question = (typeof questions)[number]

export interface Contender {
  readonly name: string
  readonly title: string
  readonly server: ServerProcess
  readonly databaseCpuMicros: () => Promise<number | null>
  /** How it is asked; or why it can't be. */
  readonly asks: Readonly<Record<Question, Target | SendSlice | string>>
}

/** Of a variant. */
export const nameOf = (question: Question, contender: string) => `${question}/${contender}`

/** Those who can be asked this. */
export function variantsOf(question: Question, contenders: readonly Contender[]): Variant[] {
  return contenders.flatMap(({ name, title, server, databaseCpuMicros, asks }) => {
    const target = asks[question]
    if (typeof target === 'string') return []
    return [{ name: nameOf(question, name), title, server, databaseCpuMicros, target }]
  })
}

export const keysAsked = 1000
export const tokensAsked = 32
export const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
export const json = { 'Content-Type': 'application/json' }
export const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

export const introspectionOf = (url: string, authorization: string, tokens: readonly string[]): Target => ({
  ...{ url, method: 'POST', headers: { ...form, Authorization: authorization }, values: tokens },
  mustSay: '"active":true',
  body: `token_type_hint=access_token&token=${placeholder}`,
})

export async function ask({ url, method = 'GET', headers, body }: Target): Promise<unknown> {
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
  const text = await response.text()
  if (!response.ok) throw new RunFailed(`${url} answered ${response.status}: ${text.slice(0, 300)}`)
  return JSON.parse(text)
}
