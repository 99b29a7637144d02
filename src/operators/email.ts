// What an email address looks like: enough to keep out what is none, and nothing that a mail server decides.

const longest = 254 // RFC 5321 section 4.5.3.1.3, less the angle brackets

export function isEmail(text: string): boolean {
  // Without characters that can't be seen or turn the reading direction, and those that mean something in the
  // header of a mail (RFC 5322 section 3.2.3): an address is one mailbox, and looks like what it is.
  return text.length <= longest && /^[^\s@\p{C}()<>[\]:;,\\"]+@[^\s@\p{C}()<>[\]:;,\\"]+$/u.test(text)
}
