// What can be shown of a text that somebody else wrote.

/** No controls, no line ends, no half characters, and nothing that turns the reading direction of its neighbours. */
export function isOneLine(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(text)
}

/** Is there nothing in it that can be seen? */
export function isBlank(text: string): boolean {
  return !/[^\p{C}\p{Z}]/u.test(text)
}
