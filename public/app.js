// What a page can do without but is better with: the error summary takes the focus.
document.getElementById('mistake')?.focus()

// What is shown once is taken off the page when it is left: the back/forward cache keeps whole pages.
addEventListener('pagehide', () => {
  for (const field of document.querySelectorAll('[data-once]')) field.value = ''
})

// Copying needs a script, so the button comes with it. On plain http there is no clipboard: the text is
// selected instead, and one keystroke copies it.
for (const button of document.querySelectorAll('[data-copy]')) {
  const field = document.getElementById(button.dataset.copy)
  const told = document.getElementById(`${button.dataset.copy}-copied`)
  button.hidden = false
  button.addEventListener('click', async () => {
    field.select()
    try {
      await navigator.clipboard.writeText(field.value)
      told.textContent = 'Copied.'
    } catch {
      told.textContent = 'Selected: copy it with your keyboard.'
    }
  })
}
