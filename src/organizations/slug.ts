// An organization's name as it stands in addresses: a label of a host name.
import { randomBase36 } from '../lib/random.ts'

const longest = 63

/** Can it stand in an address? */
export const isSlug = (text: string): boolean => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)

/** Made from the name; empty for a name with nothing in it that could stand there. */
export function slugOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .toLowerCase()
  return cut(plain.replace(/[^a-z0-9]+/g, '-').replace(/^-+/, ''), longest)
}

/** The name's slug, the same with small numbers, and at last with something that nobody can have taken. */
export function* slugsOf(name: string): Generator<string> {
  const slug = slugOf(name) || 'organization'
  yield slug
  for (let number = 2; number < 10; number += 1) yield `${cut(slug, longest - 2)}-${number}`
  for (;;) yield `${cut(slug, longest - 13)}-${randomBase36(12)}`
}

const cut = (slug: string, length: number) => slug.slice(0, length).replace(/-+$/, '')
