// What an email address looks like: enough to keep out what is none, and nothing that a mail server decides.

const longest = 254 // RFC 5321 section 4.5.3.1.3, less the angle brackets

export function isEmail(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is kept out
  return text.length <= longest && /^[^\s@\u0000-\u001f]+@[^\s@\u0000-\u001f]+$/.test(text)
}
