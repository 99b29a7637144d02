// What pages can do without, but are better with.

// The summary of what is wrong takes the focus, so that it is read first.
document.getElementById('mistake')?.focus()

// A button that copies a field: it is there only where there is a script.
for (const button of document.querySelectorAll('[data-copy]')) {
  const field = document.getElementById(button.dataset.copy)
  const status = document.querySelector(`[data-copied="${button.dataset.copy}"]`)
  button.hidden = false
  button.addEventListener('click', async () => {
    field.select()
    try {
      await navigator.clipboard.writeText(field.value)
      if (status) status.textContent = 'Copied.'
    } catch {
      // On plain http there is no clipboard: the text is selected, and the keyboard does the rest.
      if (status) status.textContent = 'Press Ctrl+C (or ⌘C) to copy.'
    }
  })
}

// Examples of the documentation get a button that copies them.
const copied = document.getElementById('copied')
for (const [index, example] of document.querySelectorAll('[data-example]').entries()) {
  const code = example.querySelector('code')
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'Copy'
  button.setAttribute('aria-label', `Copy example ${index + 1}`)
  button.addEventListener('click', async () => {
    let said = 'Copied'
    try {
      await navigator.clipboard.writeText(code.textContent)
    } catch {
      getSelection().selectAllChildren(code)
      said = 'Press Ctrl+C'
    }
    button.textContent = said
    copied.textContent = `${said}.`
    setTimeout(() => {
      button.textContent = 'Copy'
      copied.textContent = ''
    }, 2000)
  })
  example.append(button)
}

// A secret must not come back with the Back button: not from the page kept in memory, nor from that page as it
// was filled in.
const secrets = document.querySelectorAll('[data-secret]')
if (secrets.length > 0) {
  addEventListener('pagehide', () => {
    for (const field of secrets) field.value = ''
  })
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.replace(location.href)
  })
}

// A time in UTC is told in the reader's own as well.
for (const time of document.querySelectorAll('time[data-local]')) {
  const at = new Date(time.dateTime)
  if (at.getTimezoneOffset() !== 0) time.title = `${at.toLocaleString()} where you are`
}

// An export that shows how far it has come, and is saved when it is whole. Without a script the link downloads.
const exporting = document.getElementById('exporting')
for (const link of document.querySelectorAll('[data-export]')) {
  link.addEventListener('click', (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    if (exporting.hidden || exporting.dataset.state !== 'running') saveExport(link.href)
  })
}

async function saveExport(address) {
  const status = document.getElementById('exporting-status')
  const progress = document.getElementById('exporting-progress')
  const cancel = document.getElementById('exporting-cancel')
  const stop = new AbortController()
  cancel.onclick = () => stop.abort()
  exporting.hidden = progress.hidden = cancel.hidden = false
  exporting.dataset.state = 'running'
  progress.removeAttribute('value')
  status.textContent = 'Exporting…'
  try {
    const response = await fetch(address, { signal: stop.signal })
    const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1]
    // Not a file: the page that says why, or that asks who is there.
    if (!response.ok || !name) return location.assign(address)
    const { parts, rows } = await readRows(response, progress, status)
    const file = URL.createObjectURL(new Blob(parts, { type: response.headers.get('Content-Type') }))
    Object.assign(document.createElement('a'), { href: file, download: name }).click()
    setTimeout(() => URL.revokeObjectURL(file), 60_000)
    status.textContent = `Saved ${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'} as ${name}.`
  } catch {
    status.textContent = stop.signal.aborted
      ? 'The export was cancelled. Nothing was saved.'
      : 'The export stopped before it was whole, and nothing was saved. Try again.'
  } finally {
    progress.hidden = cancel.hidden = true
    exporting.dataset.state = 'over'
  }
}

async function readRows(response, progress, status) {
  const total = Number(response.headers.get('X-Total-Count') ?? 0)
  const heads = response.headers.get('Content-Type').startsWith('text/csv') ? 1 : 0
  const parts = []
  let lines = 0
  let told = Date.now()
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read()
    const rows = Math.max(0, lines - heads)
    if (done) return { parts, rows }
    parts.push(value)
    for (const byte of value) if (byte === 10) lines += 1
    if (total > 0) progress.value = Math.min(1, rows / total)
    // Once a second: a screen reader says each of them.
    if (Date.now() - told < 1000) continue
    told = Date.now()
    const of = total > 0 ? ` of ${total.toLocaleString('en')}` : ''
    status.textContent = `Exporting: ${rows.toLocaleString('en')}${of} rows.`
  }
}

// A button that saves a field as a text file.
for (const button of document.querySelectorAll('[data-download]')) {
  button.hidden = false
  button.addEventListener('click', () => {
    const field = document.getElementById(button.dataset.download)
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([`${field.value}\n`], { type: 'text/plain' }))
    link.download = button.dataset.filename
    link.click()
    URL.revokeObjectURL(link.href)
  })
}

// Redirect URIs, one on each line, are held to the server's own rules as they are typed.
for (const field of document.querySelectorAll('[data-uri-rules]')) {
  const { notAnUri, rules } = JSON.parse(field.dataset.uriRules)
  const status = document.getElementById(`${field.id}-says`)
  const mistakeOf = (text) => {
    if (!URL.canParse(text)) return notAnUri
    const { protocol, hostname } = new URL(text)
    const parts = { text, protocol, hostname }
    const broken = rules.find(
      ({ of, scheme = '', pattern, mustMatch }) =>
        new RegExp(scheme).test(protocol) && new RegExp(pattern).test(parts[of]) !== mustMatch,
    )
    return broken ? broken.say : null
  }
  const check = () => {
    const lines = field.value.split('\n').map((line) => line.trim())
    const wrong = lines.flatMap((line, index) => {
      const mistake = line === '' ? null : mistakeOf(line)
      return mistake ? [`Line ${index + 1}: ${mistake}`] : []
    })
    const isEmpty = lines.every((line) => line === '')
    status.textContent = wrong.join(' ') || (isEmpty ? '' : 'These can be registered.')
    status.dataset.state = wrong.length > 0 ? 'wrong' : 'good'
  }
  // Not at each letter: half an address is wrong, and a screen reader would say so each time. And not when the field
  // is left: what is said would push away the button that is being pressed.
  let timer
  field.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(check, 400)
  })
}
