// The one file of the engine that we read beside its entry: its types have no word of it.
declare module 'oidc-provider/lib/helpers/als.js' {
  import type { AsyncLocalStorage } from 'node:async_hooks'

  const context: AsyncLocalStorage<unknown>
  // biome-ignore lint/style/noDefaultExport: the engine's own file has one
  export default context
}
