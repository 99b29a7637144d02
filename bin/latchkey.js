#!/usr/bin/env node
// Starts the sources where they lie beside us (a checkout), else the compiled form (a package).
import './long-life.js' // first: what is loaded before it is not helped
import { existsSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 15)) {
  console.error(`Latchkey needs Node.js 20.15 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}
if (existsSync(new URL('../src/cli/main.ts', import.meta.url))) {
  const { register } = await import('tsx/esm/api').catch(() => {
    console.error('The packages that Latchkey needs are not installed. Run: npm install')
    process.exit(1)
  })
  register()
  await import('../src/cli/main.ts')
} else {
  await import('../dist/src/cli/main.js')
}
