// A person at a browser without JavaScript: keeps cookies by path, follows redirects on our own server,
// fills in the forms that it is shown, and stops where it would leave for the app.
import assert from 'node:assert/strict'
import { password } from './password.ts'

interface Cookie {
  readonly value: string
  readonly path: string
}

export interface Page {
  readonly url: string
  readonly status: number
  readonly html: string
  readonly headers: Headers
}

export class PersonBrowser {
  readonly #origin: string
  readonly #jar: Map<string, Cookie>

  /** @param like another browser, whose cookies it begins with */
  constructor(origin: string, like?: PersonBrowser) {
    this.#origin = origin
    this.#jar = new Map(like ? like.#jar : [])
  }

  cookie(name: string): string | undefined {
    return this.#jar.get(name)?.value
  }

  /** The values of all cookies that it holds. */
  cookies(): string[] {
    return [...this.#jar.values()].map(({ value }) => value)
  }

  async request(address: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(address, this.#origin)
    const cookies = [...this.#jar].filter(([, cookie]) => url.pathname.startsWith(cookie.path))
    const cookie = cookies.map(([key, { value }]) => `${key.split(';')[0]}=${value}`).join('; ')
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { Accept: 'text/html', ...(cookie ? { Cookie: cookie } : {}), ...init.headers },
    })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return response
  }

  /** Opens an address and follows its redirects; the page may be the address of the app, unopened. */
  async open(address: string, init: RequestInit = {}): Promise<Page> {
    let response = await this.request(address, init)
    let url = new URL(address, this.#origin)
    for (let hops = 0; response.status >= 300 && response.status < 400; hops += 1) {
      assert.ok(hops < 10, 'redirects without end')
      url = new URL(response.headers.get('location') ?? '', url)
      if (url.origin !== new URL(this.#origin).origin) {
        return { url: url.href, status: response.status, html: '', headers: response.headers }
      }
      response = await this.request(url.href)
    }
    const html = await response.text()
    const refresh = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(html)?.[1]
    if (refresh) return this.open(refresh.replaceAll('&amp;', '&'))
    return { url: url.href, status: response.status, html, headers: response.headers }
  }

  /**
   * Sends a form of the page's main part with its hidden fields and these: the first one, or the one that posts
   * to `to`.
   */
  submit(page: Page, fields: Readonly<Record<string, string>>, to?: string): Promise<Page> {
    const main = page.html.slice(page.html.indexOf('<main'))
    const forms = [
      ...main.matchAll(/<form(?: class="[^"]*")? method="post" action="([^"]+)">([\s\S]*?)<\/form>/g),
    ]
    const [, action, inside] = forms.find(([, address]) => to === undefined || address === to) ?? []
    assert.ok(action !== undefined && inside !== undefined, `no form on ${page.url}: ${page.html}`)
    const body = new URLSearchParams()
    for (const [, name, value] of inside.matchAll(
      /<input type="hidden" name="([^"]+)"[^>]* value="([^"]*)"/g,
    )) {
      if (name !== undefined) body.set(name, value ?? '')
    }
    for (const [name, value] of Object.entries(fields)) body.set(name, value)
    return this.open(action, { method: 'POST', body, headers: { 'Sec-Fetch-Site': 'same-origin' } })
  }

  /** Signs in where the page asks for it. */
  signIn(page: Page, email: string): Promise<Page> {
    return this.submit(page, { email, password })
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(/; */)
    const name = pair.slice(0, pair.indexOf('='))
    const path = attributes.find((text) => text.toLowerCase().startsWith('path='))?.slice(5) ?? '/'
    const value = pair.slice(name.length + 1)
    const isGone = value === '' || attributes.some((text) => /^expires=Thu, 01 Jan 1970/i.test(text))
    if (isGone) this.#jar.delete(`${name};${path}`)
    else this.#jar.set(path === '/' ? name : `${name};${path}`, { value, path })
    if (isGone && path === '/') this.#jar.delete(name)
  }
}

/** One that makes a connection of its own for every request: of several workers each answers in turn. */
export class RestlessBrowser extends PersonBrowser {
  override request(address: string, init: RequestInit = {}): Promise<Response> {
    return super.request(address, { ...init, headers: { ...init.headers, Connection: 'close' } })
  }
}
