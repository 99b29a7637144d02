// What the engine keeps, as rows of ours: ids only as hashes, tokens and codes in the tables that the
// rest of the house reads. The engine calls it; it never calls the engine.

import { byServer } from '../core/attribution.ts'
import { isClientId } from '../core/ids.ts'
import { appScopes, type Profile } from '../core/profile.ts'
import { parseScopes, printScopes } from '../core/scopes.ts'
import { findPrincipal } from '../credentials/credential-store.ts'
import { proofMemorySeconds } from '../credentials/dpop.ts'
import { rememberProof } from '../credentials/proof-store.ts'
import type { Database } from '../db/connect.ts'
import { type Digest, sha256 } from '../lib/digest.ts'
import { addSeconds, type Clock, epochSeconds } from '../lib/time.ts'
import { toGrantPayload, toMetadata } from './adapter-payload.ts'
import { insertCode, lockGrantOfUnspent } from './code-store.ts'
import type { Codes } from './codes.ts'
import { askForDocument } from './document-clients.ts'
import { type Adapter, type AdapterPayload, errors, unavailable } from './engine.ts'
import {
  deleteInteraction,
  deleteSession,
  findInteraction,
  findSession,
  findSessionByUid,
  insertInteraction,
  updateInteraction,
  upsertSession,
} from './engine-record-store.ts'
import { currentExchange } from './exchange.ts'
import { findGrant } from './grant-store.ts'
import { refreshExpiry } from './lifetime.ts'
import { present } from './presentation.ts'
import { findRefreshTokens } from './refresh-token-store.ts'
import { remember, withMemory } from './request-memory.ts'
import { byItsClient, revokeGrant } from './revoke-grant.ts'

export interface AdapterParts {
  readonly database: Database
  readonly codes: Codes
  readonly clock: Clock
  readonly profile: Profile
  /** Where the engine resumes an authorization: this, a slash and the interaction's id. */
  readonly resumeUrl: string
}

/** The seven verbs; a model overrides those that the engine calls for it. */
abstract class Model implements Adapter {
  protected readonly parts: AdapterParts

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  upsert(_id: string, _payload: AdapterPayload, _expiresIn: number): Promise<void> {
    return this.#never('upsert')
  }
  find(_id: string): Promise<AdapterPayload | undefined> {
    return this.#never('find')
  }
  findByUid(_uid: string): Promise<AdapterPayload | undefined> {
    return this.#never('findByUid')
  }
  findByUserCode(_code: string): Promise<AdapterPayload | undefined> {
    return this.#never('findByUserCode')
  }
  consume(_id: string): Promise<void> {
    return this.#never('consume')
  }
  destroy(_id: string): Promise<void> {
    return this.#never('destroy')
  }
  /** Grants are deleted whole, by `GrantModel.destroy`: what hangs on one goes with it. */
  async revokeByGrantId(_grantId: string): Promise<void> {}

  protected expiry(seconds: number): Date {
    return addSeconds(this.parts.clock(), seconds)
  }

  #never(verb: string): never {
    throw new Error(`the engine called ${verb} on ${this.constructor.name}, which it should have no need of`)
  }
}

class ClientModel extends Model {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const asked = await askForDocument(id)
    const app = asked === undefined && isClientId(id) ? await this.parts.codes.findApp(id) : asked
    // From before the profile lost that mode: its tokens could not even be written.
    if (app && !this.parts.profile.modes.includes(app.mode))
      throw unavailable(`there is no ${app.mode} mode here; what the app holds stays good`)
    if (app?.isStopped) throw unavailable('the app is suspended; what it holds stays good')
    return app ? toMetadata(app, appScopes(this.parts.profile)) : undefined
  }
}

class GrantModel extends Model {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const code = currentExchange()?.code
    const grant = code?.grant.id === id ? code.grant : await findGrant(this.parts.database, id)
    return grant ? toGrantPayload(grant) : undefined
  }

  /** The engine destroys a grant when a code was replayed, or a client revoked a token (RFC 7009). */
  override async destroy(id: string): Promise<void> {
    const exchange = currentExchange()
    if (!exchange) throw new Error('a grant ended outside of a request')
    const replayed = (exchange.code?.state ?? 'fresh') !== 'fresh'
    await revokeGrant(
      this.parts.database.knex,
      id,
      byItsClient(exchange.origin),
      replayed ? 'code_replayed' : 'revoked_by_client',
    )
  }
}

class AuthorizationCodeModel extends Model {
  override async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const { jti: _, grantId, clientId, codeChallenge, ...kept } = payload
    if (!grantId) throw new Error('a code without a grant')
    if (!codeChallenge) throw new Error('a code without PKCE')
    const code = {
      hash: sha256(id),
      grantId,
      challengeHash: sha256(`${clientId} ${codeChallenge}`),
      payload: { ...kept, grantId, clientId, codeChallenge },
      expiresAt: this.expiry(expiresIn),
    }
    const { knex } = this.parts.database
    if (await insertCode(knex, code)) return
    // A link that was opened twice, of which the first answer never reached the app: the second takes its place.
    if ((await this.#giveWay(code.challengeHash)) && (await insertCode(knex, code))) return
    // OAuth 2.1 section 7.5.1.1: made for each authorization anew. What was just allowed has no code to begin with.
    await revokeGrant(knex, grantId, () => byServer, 'challenge_reused')
    throw new errors.InvalidRequest('code_challenge was used before')
  }

  /** False when the code of this challenge has been spent. */
  #giveWay(challengeHash: Digest): Promise<boolean> {
    return this.parts.database.knex.transaction(async (tx) => {
      const grant = await lockGrantOfUnspent(tx, challengeHash)
      return grant !== null && (await revokeGrant(tx, grant, () => byServer, 'allowed_again')) !== null
    })
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const exchange = currentExchange()
    if (!exchange) return undefined
    const hash = sha256(id)
    const presentation = present(hash)
    exchange.presentation = presentation
    const code = await this.parts.codes.find({ hash, elapsedMs: exchange.elapsedMs })
    if (!code) return undefined
    exchange.code = code
    if (code.state === 'fresh') return Object.assign({}, code.payload, { jti: id })
    if (code.state === 'raced' || (code.state === 'just-spent' && (await presentation.isBurst()))) {
      throw new errors.InvalidGrant('authorization code spent by a parallel request')
    }
    // A replay, which the engine answers by revoking (OAuth 2.1 section 4.1.3).
    return { ...code.payload, jti: id, consumed: true }
  }

  override async consume(): Promise<void> {
    const exchange = currentExchange()
    if (exchange) exchange.consumed = true
  }
}

class AccessTokenModel extends Model {
  override async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const exchange = currentExchange()
    if (!exchange) throw new Error('an access token minted outside of an exchange')
    exchange.accessToken = {
      hash: sha256(id),
      scopes: [...parseScopes(payload.scope)],
      expiresAt: this.expiry(expiresIn),
    }
    exchange.thumbprint = payload.jkt ?? null
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const who = await findPrincipal(this.parts.database, sha256(id))
    if (who?.kind !== 'access_token' || !who.expiresAt) return undefined
    return {
      jti: id,
      kind: 'AccessToken',
      accountId: who.person,
      clientId: who.client,
      grantId: who.grant,
      aud: who.audience,
      scope: printScopes(who.scopes),
      exp: epochSeconds(who.expiresAt),
    }
  }

  /** Its grant is destroyed with it (decision 6), and that takes the row along. */
  override async destroy(): Promise<void> {}
}

class RefreshTokenModel extends Model {
  override async upsert(id: string, payload: AdapterPayload): Promise<void> {
    const exchange = currentExchange()
    if (!exchange?.code) throw new Error('a refresh token minted outside of an exchange')
    const { grant, refreshIdleSeconds } = exchange.code
    exchange.refreshToken = {
      hash: sha256(id),
      scopes: [...parseScopes(payload.scope)],
      expiresAt: refreshExpiry(this.parts.clock(), grant.expiresAt, refreshIdleSeconds),
    }
  }

  /** For revocation alone: the refresh grant is our own (rotation.ts). */
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const sought = { hash: sha256(id), elapsedMs: () => 0 }
    const [token] = await findRefreshTokens(this.parts.database, [sought])
    if (!token) return undefined
    return {
      jti: id,
      kind: 'RefreshToken',
      accountId: token.grant.person,
      clientId: token.grant.client,
      grantId: token.grant.id,
      scope: printScopes(token.scopes),
      exp: epochSeconds(token.expiresAt),
    }
  }

  override async destroy(): Promise<void> {}
}

/** Proofs of possession, that each is taken once (RFC 9449 section 11.1). */
class ReplayDetectionModel extends Model {
  /** The engine asks before it writes; `upsert` alone can say whether this one is the first. */
  override async find(): Promise<undefined> {}

  /** Kept longer than the engine asks: a proof that is dated ahead is good for as much longer. */
  override async upsert(id: string): Promise<void> {
    const isNew = await rememberProof(this.parts.database, sha256(id), this.expiry(proofMemorySeconds))
    // The engine would say invalid_grant, with which a client gives up what another proof would get.
    if (!isNew) throw new errors.InvalidDpopProof('The DPoP proof was used before: sign one per request.')
  }
}

class SessionModel extends Model {
  override async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const { jti: _, ...kept } = payload
    if (!kept.uid) throw new Error('a session without a uid')
    await upsertSession(this.parts.database.knex, sha256(id), {
      uid: kept.uid,
      personId: kept.accountId ?? null,
      payload: kept,
      expiresAt: this.expiry(expiresIn),
    })
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const payload = await findSession(this.parts.database.knex, sha256(id), this.parts.clock())
    return payload ? { ...payload, jti: id } : undefined
  }

  override async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return (await findSessionByUid(this.parts.database.knex, uid, this.parts.clock())) ?? undefined
  }

  override async destroy(id: string): Promise<void> {
    await deleteSession(this.parts.database.knex, sha256(id))
  }
}

class InteractionModel extends Model {
  override async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    // The id is in the address to return to as well, and the session's cookie in what is kept of it.
    const { jti: _, returnTo: __, session, ...kept } = payload
    const { cookie: ___, ...keptSession } = session ?? {}
    const stored = session ? { ...kept, session: keptSession } : kept
    const { knex } = this.parts.database
    if (payload.result === undefined)
      return await insertInteraction(knex, sha256(id), stored, this.expiry(expiresIn))
    // One with a result has been there; if it is gone, it was resumed, and must not be resumed again.
    if (!(await updateInteraction(knex, sha256(id), stored))) throw resumedElsewhere()
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const found = await findInteraction(this.parts.database.knex, sha256(id), this.parts.clock())
    if (!found) return undefined
    // The engine looks for it next.
    if (found.session) remember('Session by uid', String(found.session['uid']), found.session)
    return { ...found.payload, jti: id, returnTo: `${this.parts.resumeUrl}/${id}` }
  }

  override async destroy(id: string): Promise<void> {
    const mine = await deleteInteraction(this.parts.database.knex, sha256(id))
    if (!mine) throw resumedElsewhere()
  }
}

const resumedElsewhere = () => new errors.SessionNotFound('interaction was resumed by a parallel request')

const models: Readonly<Record<string, new (parts: AdapterParts) => Model>> = {
  Client: ClientModel,
  Grant: GrantModel,
  AuthorizationCode: AuthorizationCodeModel,
  AccessToken: AccessTokenModel,
  RefreshToken: RefreshTokenModel,
  ReplayDetection: ReplayDetectionModel,
  Session: SessionModel,
  Interaction: InteractionModel,
}

/** What the engine makes one adapter per model by. @throws Error for a model of a feature that is off */
export function createAdapterFactory(parts: AdapterParts): (name: string) => Adapter {
  return (name) => {
    const Found = models[name]
    if (!Found) throw new Error(`no table for the engine's ${name}: is a feature on that should be off?`)
    return withMemory(name, new Found(parts))
  }
}
