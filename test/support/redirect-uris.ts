// Redirect URIs that can be registered, and that can't: one table for the server and for the page's script.

const good = [
  'https://app.example.com/callback',
  'https://app.example.com:8443/callback?tenant=1,2',
  'http://127.0.0.1/callback',
  'http://[::1]:8080/callback',
  'http://localhost/callback',
  'com.example.app:/callback',
  'com.example.app://callback',
]
const bad = [
  '',
  'callback',
  '/callback',
  'http://app.example.com/callback',
  'http://127.0.0.2/callback',
  'http://127.0.0.1.example.com/callback',
  'https://localhost/callback',
  'https://127.0.0.1/callback',
  'https://127.1/callback',
  'https://app.example.com/callback#fragment',
  'https://app.example.com/#',
  'https://*.example.com/callback',
  'https://user:password@app.example.com/callback',
  'https://user@app.example.com/callback',
  'https://@app.example.com/callback',
  'https:user@app.example.com/callback',
  'https:/user@app.example.com/callback',
  'https:///user@app.example.com/callback',
  'https:\\\\user@app.example.com/callback',
  'https://app.example.com\\callback',
  'https://app.example.com/call back',
  'https://b\u00fccher.example/callback',
  'https://app.example.com/\u0000',
  'com.example.app:/\u0000',
  `https://app.example.com/${'x'.repeat(2000)}`,
  'myapp:/callback',
  'javascript:alert(1)',
  'data:text/html,x',
  'intent://x#Intent',
  'file:///etc/passwd',
]

export const uriCases = [
  ...good.map((uri) => ({ uri, isGood: true })),
  ...bad.map((uri) => ({ uri, isGood: false })),
]
