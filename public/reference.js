// The API reference: swagger-ui over the OpenAPI document of this very server. Without it, or until it is there, the
// page shows a plain list of the operations.

const place = document.getElementById('reference')
const list = document.querySelector('.prose')

const dark = matchMedia('(prefers-color-scheme: dark)')
const followScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', followScheme)
followScheme()

/**
 * The document as this page can use it. Requests go to the server that the page came from, under whichever of its
 * names: no other may be asked. A token is got by an app, and goes into the same header as a key. What has no tag is
 * found under the first part of its path.
 */
function fitted({ servers: [first], components, ...document }) {
  const { oauth: _, ...securitySchemes } = components.securitySchemes
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of Object.values(item)) {
      if (!operation.operationId) continue
      operation.tags ??= [path.split('/')[1]]
      operation.security = operation.security?.filter((needed) => !('oauth' in needed))
    }
  }
  const { pathname } = new URL(first.url, location.href)
  const servers = [{ url: location.origin + pathname }]
  return { ...document, servers, components: { ...components, securitySchemes } }
}

// The page has a title and a main part of its own.
const ownLayout = ({ React: { createElement: show } }) => ({
  components: {
    OwnLayout: ({ getComponent }) => {
      const part = (name) => show(getComponent(name, true), { key: name })
      const head = show('div', { key: 'head', className: 'reference-head' }, [
        show('h2', { key: 'title' }, 'Operations'),
        part('AuthorizeBtnContainer'),
      ])
      return show('div', { className: 'swagger-ui' }, [
        part('SvgAssets'),
        part('errors'),
        head,
        part('operations'),
        part('Models'),
      ])
    },
  },
})

// What swagger-ui leaves unsaid to those who do not see the page, or says otherwise than it shows.
const names = [
  ['.close-modal', 'Close the dialog'],
  ['.responses-inner select', 'Media type of the answer'],
  ['.opblock-section-request-body select', 'Media type of the body'],
  ['.parameters select', 'Value'],
  ['.body-param__text', 'Body of the request'],
]
// Who opened the dialog with the credentials gets the focus back when it closes.
let opener = null
let wasOpen = false
place.addEventListener('click', ({ target }) => {
  opener = target.closest('.btn.authorize, .authorization__btn') ?? opener
})
function giveFocusBack() {
  const isOpen = place.querySelector('.dialog-ux') !== null
  if (wasOpen && !isOpen) {
    const button = opener?.isConnected ? opener : place.querySelector('.btn.authorize')
    button?.focus()
  }
  wasOpen = isOpen
}

// A link to a heading of the list leads to the same operations here, once they are there.
let sought = location.hash.slice(1)
function goTo() {
  const found = sought && document.getElementById(`operations-tag-${sought}`)
  if (!found) return
  sought = ''
  found.scrollIntoView()
}

function mend() {
  goTo()
  giveFocusBack()
  for (const field of place.querySelectorAll('.auth-container input')) {
    field.setAttribute('aria-label', 'Value of the credential')
    field.autocomplete = 'off' // what browsers remember of fields, they show to the next who sits there
    field.spellcheck = false
  }
  for (const [selector, name] of names) {
    for (const element of place.querySelectorAll(`${selector}:not([aria-label])`))
      element.setAttribute('aria-label', name)
  }
  for (const table of place.querySelectorAll('.responses-table:not([aria-label])')) {
    const line = [...table.closest('.opblock').querySelectorAll('.opblock-summary-method, [data-path]')]
    table.setAttribute('aria-label', `Answers to ${line.map((it) => it.textContent).join(' ')}`)
  }
  for (const button of place.querySelectorAll('.modal-btn[aria-label]')) button.removeAttribute('aria-label')
  for (const heading of place.querySelectorAll('.auth-container h6')) heading.setAttribute('aria-level', '5')
}

const response = await fetch(place.dataset.openapi)
SwaggerUIBundle({
  spec: fitted(await response.json()),
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [ownLayout],
  layout: 'OwnLayout',
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  syntaxHighlight: false,
  validatorUrl: null,
  onComplete: () => {
    for (const part of list.querySelectorAll(':scope > :not(h1, h1 + p)')) part.remove()
    place.hidden = false
    mend()
    new MutationObserver(mend).observe(place, { childList: true, subtree: true })
  },
})
