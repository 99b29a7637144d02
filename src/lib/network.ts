// Networks in CIDR notation (RFC 4632), IPv4 and IPv6: read, compared, and asked about an address.
import { BlockList, isIP, SocketAddress } from 'node:net'

type Family = 'ipv4' | 'ipv6'

interface Network {
  readonly family: Family
  readonly address: string
  /** How many of its bits are the network's. */
  readonly bits: number
}

const familyOf = (address: string): Family | null =>
  (({ 0: null, 4: 'ipv4', 6: 'ipv6' }) as const)[isIP(address) as 0 | 4 | 6] // isIP answers with nothing else

/** `address` or `address/bits`, as it is kept: an address alone is a network of one. null for anything else. */
export function normalizeNetwork(text: string): string | null {
  const network = parse(text.trim())
  return network && `${network.address}/${network.bits}`
}

/** Is the address in one of the networks? An IPv4 address written as IPv6 (::ffff:192.0.2.1) is itself. */
export function isWithin(address: string, networks: readonly string[]): boolean {
  const plain = plainAddress(address)
  const family = familyOf(plain)
  return family !== null && listOf(networks).check(plain, family)
}

/** Is every address of `inner` in one of the networks `outer`? */
export function contains(outer: readonly string[], inner: string): boolean {
  const network = parse(inner)
  if (!network) return false
  return outer.some((text) => {
    const around = parse(text)
    return (
      around !== null &&
      around.family === network.family &&
      around.bits <= network.bits &&
      listOf([text]).check(network.address, network.family)
    )
  })
}

/** Without the wrapping that a socket for both families puts around an IPv4 address, and without a zone. */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '')
}

/**
 * Whose the address is, as far as it can be told: an IPv6 network of 64 bits is the least that anybody is given
 * (RFC 6177), and all its addresses are theirs. Any other text is what it is.
 */
export function subscriberOf(text: string): string {
  // Most are no addresses at all, and told apart at once.
  if (!text.includes(':') || isIP(text) !== 6) return text
  const groupsOf = (part: string) => part.split(':').filter((group) => group !== '')
  const [before, after] = text.replace(/%.*$/, '').split('::')
  const [head, tail] = [groupsOf(before ?? ''), groupsOf(after ?? '')]
  // At the end, IPv4 stands for two.
  const missing = 8 - head.length - tail.length - (text.includes('.') ? 1 : 0)
  const groups = [...head, ...Array<string>(Math.max(0, missing)).fill('0'), ...tail]
  const first = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${first.join(':')}::/64`
}

function parse(text: string): Network | null {
  const [, written = '', digits] = /^([0-9a-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const family = familyOf(written)
  if (family === null) return null
  const longest = family === 'ipv4' ? 32 : 128
  const bits = digits === undefined ? longest : Number(digits)
  if (bits > longest) return null
  return { family, address: new SocketAddress({ address: written, family }).address, bits }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of networks) {
    const network = parse(text)
    if (network) list.addSubnet(network.address, network.bits, network.family)
  }
  return list
}
