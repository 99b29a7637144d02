// What a page can do without but is better with: the error summary takes the focus.
document.getElementById('mistake')?.focus()
