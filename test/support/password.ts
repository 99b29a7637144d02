/** Everybody's in the tests: PersonBrowser signs in with it. */
export const password = 'correct horse battery staple'
