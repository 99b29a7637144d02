// OAuth 2.1 (section 4.1.3, and 10.2 for clients of OAuth 2.0) asks for no redirect URI in a code exchange: PKCE has
// taken its place. The engine wants one, unless the client has a single one and the code was sent to exactly that.
import { sha256 } from '../lib/digest.ts'
import type { Codes } from './codes.ts'
import { type Configuration, type Engine, Provider } from './engine.ts'
import { currentExchange } from './exchange.ts'

type GrantType<P extends object> = Parameters<typeof Provider.prototype.registerGrantType<P>>

/** The engine, to which an exchange that names no redirect URI is one that names the code's. One that is named counts. */
export function createProvider(codes: Codes, issuer: string, configuration: Configuration): Engine {
  // The engine registers its own grant types by the method that is there for others': where they can be wrapped.
  class OurProvider extends Provider {
    override registerGrantType<P extends object>(...[name, handler, ...others]: GrantType<P>): void {
      const complete: typeof handler = async (ctx) => {
        const { client } = ctx.oidc
        // The engine's types know the parameters of a handler's own grant type alone.
        const params: Record<string, unknown> = ctx.oidc.params
        const code = params['code']
        if (params['redirect_uri'] === undefined && typeof code === 'string') {
          // Of an unknown code the engine is to say so, and not that its address is missing.
          params['redirect_uri'] = (await redirectUriOf(code)) ?? client.redirectUris?.[0]
        }
        await handler(ctx)
      }
      super.registerGrantType(name, name === 'authorization_code' ? complete : handler, ...others)
    }
  }
  return new OurProvider(issuer, configuration)

  async function redirectUriOf(code: string): Promise<string | undefined> {
    const elapsedMs = currentExchange()?.elapsedMs ?? (() => 0)
    const stored = await codes.find({ hash: sha256(code), elapsedMs })
    const uri = stored?.payload['redirectUri']
    return typeof uri === 'string' ? uri : undefined
  }
}
