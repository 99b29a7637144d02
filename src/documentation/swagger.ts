// The two files of swagger-ui-dist that the reference page loads, from wherever npm has put them.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export const swaggerFiles: readonly string[] = ['swagger-ui-bundle.js', 'swagger-ui.css'].map((name) =>
  join(dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')), name),
)
