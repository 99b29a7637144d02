// Which network addresses are anybody's on the internet, and which ones are special (IANA's special-purpose
// registries): this machine, its neighbours, and the ways to write them that look like something else.
import ipaddr from 'ipaddr.js'

/** The one block of IPv6 from which public addresses are given (RFC 4291 section 2.4); the rest is not in use, or special. */
const globalUnicast = ipaddr.parseCIDR('2000::/3')
/** Special without a name in the library: documentation (RFC 9637), and the whole of IANA's protocol block. */
const specialV6 = [ipaddr.parseCIDR('3fff::/20'), ipaddr.parseCIDR('2001::/23')]

/**
 * Is it an address on the public internet, as a plain IPv4 or IPv6 address? False for every other text, and for
 * IPv4 that is written as IPv6 in whatever way (mapped, NAT64, 6to4): where such a packet arrives is not for us
 * to guess.
 */
export function isPublicAddress(text: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).range() === 'unicast'
  if (!ipaddr.IPv6.isValid(text) || text.includes('%')) return false
  const address = ipaddr.IPv6.parse(text)
  return (
    address.range() === 'unicast' &&
    address.match(globalUnicast) &&
    !specialV6.some((network) => address.match(network))
  )
}
