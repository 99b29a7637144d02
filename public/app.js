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
