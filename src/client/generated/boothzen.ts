// BoothZen: its contract, its types and its client.
// Written from the profile and its OpenAPI document: npm run generate:client
import type { CallOptions } from '../caller.ts'
import { type ClientOptions, ContractClient } from '../client.ts'
import type { Contract } from '../contract.ts'
import type { Listing } from '../listing.ts'
import { type NewOrganization, type OrganizationApiKey, type PlatformConfig, provision } from '../provision.ts'

export const boothzen: Contract = {
  name: "boothzen",
  brand: "BoothZen",
  basePaths: ["/api/v1", "/v1"],
  header: "authorization",
  prefixes: { apiKey: ["bz_live_", "bz_test_"], accessToken: ["bz_oat_live_", "bz_oat_test_"], platformKey: ["bz_platform_"] },
  requestIdHeader: "x-request-id",
  envelope: { item: [], items: ["data"], nextCursor: ["next_cursor"], page: null, totalPages: null, message: ["error", "message"], code: ["error", "code"], param: ["error", "param"], requestId: ["error", "request_id"] },
  pagination: "cursor",
  operations: [
    { id: "getMe", method: "GET", path: "/me", resource: null, name: "me", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listBookings", method: "GET", path: "/bookings", resource: "bookings", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createBooking", method: "POST", path: "/bookings", resource: "bookings", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getBooking", method: "GET", path: "/bookings/{id}", resource: "bookings", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listCustomers", method: "GET", path: "/customers", resource: "customers", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "getCustomer", method: "GET", path: "/customers/{id}", resource: "customers", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listKeys", method: "GET", path: "/keys", resource: "keys", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createKey", method: "POST", path: "/keys", resource: "keys", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getKey", method: "GET", path: "/keys/{id}", resource: "keys", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "deleteKey", method: "DELETE", path: "/keys/{id}", resource: "keys", name: "delete", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "rotateKey", method: "POST", path: "/keys/{id}/rotate", resource: "keys", name: "rotate", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "endKeyOverlap", method: "POST", path: "/keys/{id}/end-overlap", resource: "keys", name: "endOverlap", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "revokeKey", method: "POST", path: "/keys/{id}/revoke", resource: "keys", name: "revoke", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "deactivateKey", method: "POST", path: "/keys/{id}/deactivate", resource: "keys", name: "deactivate", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "activateKey", method: "POST", path: "/keys/{id}/activate", resource: "keys", name: "activate", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listApps", method: "GET", path: "/apps", resource: "apps", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createApp", method: "POST", path: "/apps", resource: "apps", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getApp", method: "GET", path: "/apps/{client_id}", resource: "apps", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "deleteApp", method: "DELETE", path: "/apps/{client_id}", resource: "apps", name: "delete", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateApp", method: "PATCH", path: "/apps/{client_id}", resource: "apps", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "suspendApp", method: "POST", path: "/apps/{client_id}/suspend", resource: "apps", name: "suspend", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "resumeApp", method: "POST", path: "/apps/{client_id}/resume", resource: "apps", name: "resume", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listGrants", method: "GET", path: "/grants", resource: "grants", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "getGrant", method: "GET", path: "/grants/{id}", resource: "grants", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "revokeGrant", method: "POST", path: "/grants/{id}/revoke", resource: "grants", name: "revoke", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listAuditEvents", method: "GET", path: "/audit-events", resource: "audit", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createOrganizationApiKey", method: "POST", path: "/organizations/api-key", resource: "organizations", name: "createApiKey", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: true },
  ],
}

export interface App {
  readonly client_id: string
  /** Shown to people when they are asked. */
  readonly name: string
  readonly mode: "live" | "test"
  /** Whoever runs this service says who is behind it. */
  readonly verified: boolean
  readonly suspended: boolean
  /** Where people read about it; https. */
  readonly homepage: string | null
  /** Its privacy policy; https. */
  readonly policy_uri: string | null
  /** Its terms of service; https. */
  readonly terms_uri: string | null
  /** Compared exactly, but for the port on a loopback address. */
  readonly redirect_uris: readonly string[]
  /** The most that it may ask for. */
  readonly scopes: readonly string[]
  /** Those of `scopes` that a person may leave out. */
  readonly optional_scopes: readonly string[]
  /** For so long a lost answer to a refresh is given again. */
  readonly refresh_grace_seconds: number
  /** So long after consent an authorization ends. */
  readonly refresh_lifetime_seconds: number
  /** A refresh token that is not used for so long is no longer good; null for no such limit. */
  readonly refresh_idle_seconds: number | null
  /** What a retired refresh token does that comes back after its grace window: end its authorization, or be refused and no more. */
  readonly reuse_response: "revoke" | "refuse"
  /** Whether its tokens are bound to a key of its own (RFC 9449). */
  readonly dpop_bound_access_tokens: boolean
  readonly created_at: string
}

export interface AppChange {
  /** Shown to people when they are asked. */
  readonly name?: string | undefined
  /** Where people read about it; https. */
  readonly homepage?: string | null | undefined
  /** Its privacy policy; https. */
  readonly policy_uri?: string | null | undefined
  /** Its terms of service; https. */
  readonly terms_uri?: string | null | undefined
  /** Compared exactly, but for the port on a loopback address. */
  readonly redirect_uris?: readonly string[] | undefined
  /** The most that it may ask for. */
  readonly scopes?: readonly string[] | undefined
  /** Those of `scopes` that a person may leave out. */
  readonly optional_scopes?: readonly string[] | undefined
  /** For so long a lost answer to a refresh is given again. */
  readonly refresh_grace_seconds?: number | undefined
  /** So long after consent an authorization ends. */
  readonly refresh_lifetime_seconds?: number | undefined
  /** A refresh token that is not used for so long is no longer good; null for no such limit. */
  readonly refresh_idle_seconds?: number | null | undefined
  /** What a retired refresh token does that comes back after its grace window: end its authorization, or be refused and no more. */
  readonly reuse_response?: "revoke" | "refuse" | undefined
  /** Whether its tokens are bound to a key of its own (RFC 9449). */
  readonly dpop_bound_access_tokens?: boolean | undefined
}

export interface AuditEvent {
  readonly id: number
  /** To the microsecond, in UTC. */
  readonly time: string
  readonly organization_id: string
  readonly actor_kind: "person" | "api_key" | "app" | "platform" | "command_line" | "server"
  /** null for the command line and the server, of which there is one. */
  readonly actor_id: string | null
  /** The person for whom an app acted. */
  readonly on_behalf_of: string | null
  readonly action: string
  /** What it was done to. */
  readonly target: string | null
  /** Network address. */
  readonly address: string | null
  /** Of the request in which it was done. */
  readonly request_id: string | null
  /** Old and new values, never a secret. */
  readonly details: { readonly [key: string]: unknown }
}

export interface Booking {
  readonly id: string
  readonly status: "pending" | "confirmed" | "cancelled"
  readonly starts_at: string
  readonly ends_at: string
  readonly customer_id: string
  readonly total: Money
}

export type CreatedKey = Key & {
  /** The key itself. It is in this answer and in no other. */
  readonly secret: string
  readonly old?: Key
}

export interface Credential {
  readonly kind: "api_key" | "access_token"
  readonly organization_id: string
  readonly mode: "live" | "test"
  readonly scopes: readonly string[]
  readonly expires_at: string | null
  readonly key_id?: string
  readonly client_id?: string
  readonly grant_id?: string
  readonly person_id?: string
}

export interface Customer {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly phone: string | null
}

export interface Grant {
  readonly id: string
  /** The app that it was given to. */
  readonly client_id: string
  readonly client_name: string
  /** Who gave it. */
  readonly person_id: string
  readonly mode: "live" | "test"
  readonly scopes: readonly string[]
  /** What its access tokens are for (RFC 8707). */
  readonly resource: string
  /** True while the app, or the organization that it belongs to, is suspended. */
  readonly suspended: boolean
  /** Whether its tokens are bound to a key of the app (RFC 9449). */
  readonly dpop_bound: boolean
  readonly created_at: string
  readonly expires_at: string
  /** To within a minute. */
  readonly last_used_at: string | null
  /** Network address. */
  readonly last_used_from: string | null
  /** User-Agent. */
  readonly last_used_by: string | null
  /** The operation, as this document writes it. */
  readonly last_used_for: string | null
}

export interface Key {
  readonly id: string
  readonly name: string
  readonly mode: "live" | "test"
  readonly scopes: readonly string[]
  readonly prefix: string
  readonly last_four: string
  /** `retiring`: rotated, and still working until `retires_at`; `retired`: that is over. */
  readonly status: "active" | "retiring" | "deactivated" | "expired" | "retired" | "revoked"
  /** Empty: from anywhere. */
  readonly allowed_addresses: readonly string[]
  /** Id of the person, key or platform that made it. */
  readonly created_by: string | null
  readonly created_at: string
  readonly expires_at: string | null
  readonly retires_at: string | null
  /** The key whose place it took. */
  readonly rotated_from: string | null
  /** To within a minute. */
  readonly last_used_at?: string | null
  /** Network address. */
  readonly last_used_from?: string | null
  /** User-Agent. */
  readonly last_used_by?: string | null
  /** The operation, as this document writes it. */
  readonly last_used_for?: string | null
}

export interface Money {
  /** In the currency's smallest unit. */
  readonly amount: number
  readonly currency: string
}

export interface NewApp {
  /** Shown to people when they are asked. */
  readonly name: string
  /** Where people read about it; https. */
  readonly homepage?: string | null | undefined
  /** Its privacy policy; https. */
  readonly policy_uri?: string | null | undefined
  /** Its terms of service; https. */
  readonly terms_uri?: string | null | undefined
  /** Compared exactly, but for the port on a loopback address. */
  readonly redirect_uris: readonly string[]
  /** The most that it may ask for. */
  readonly scopes: readonly string[]
  /** Those of `scopes` that a person may leave out. */
  readonly optional_scopes?: readonly string[] | undefined
  /** For so long a lost answer to a refresh is given again. */
  readonly refresh_grace_seconds?: number | undefined
  /** So long after consent an authorization ends. */
  readonly refresh_lifetime_seconds?: number | undefined
  /** A refresh token that is not used for so long is no longer good; null for no such limit. */
  readonly refresh_idle_seconds?: number | null | undefined
  /** What a retired refresh token does that comes back after its grace window: end its authorization, or be refused and no more. */
  readonly reuse_response?: "revoke" | "refuse" | undefined
  /** Whether its tokens are bound to a key of its own (RFC 9449). */
  readonly dpop_bound_access_tokens?: boolean | undefined
  /** The calling key's own mode; another one is refused. */
  readonly mode?: "live" | "test" | undefined
}

export interface NewBooking {
  readonly status?: "pending" | "confirmed" | undefined
  /** ISO 8601, in UTC: 2027-03-01T10:00:00Z */
  readonly starts_at: string
  /** ISO 8601, in UTC: 2027-03-01T10:00:00Z */
  readonly ends_at: string
  readonly customer_id: string
  readonly total: Money
}

export interface NewKey {
  /** What it is for. */
  readonly name: string
  /** Fixed for good. Never more than the calling key has. */
  readonly scopes: readonly string[]
  /** The calling key's own mode; another one is refused. */
  readonly mode?: "live" | "test" | undefined
  /** When it ends; left out, as the calling key does. */
  readonly expires_at?: string | null | undefined
  /** The same in seconds from now. */
  readonly expires_in?: number | undefined
  /** Networks (CIDR) that it may be used from; left out, as the calling key's. */
  readonly allowed_addresses?: readonly string[] | undefined
}

/** The client's methods. */
export interface Resources {
  /**
   * What the calling credential is.
   * Any good credential may ask.
   */
  me(options?: CallOptions): Promise<Credential>
  readonly bookings: {
    /** List bookings */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** The next_cursor of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Booking>
    /** Create a booking */
    create(body: NewBooking, options?: CallOptions): Promise<Booking>
    /** Read a booking */
    get(id: string, options?: CallOptions): Promise<Booking>
  }
  readonly customers: {
    /** List customers */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** The next_cursor of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Customer>
    /** Read a customer */
    get(id: string, options?: CallOptions): Promise<Customer>
  }
  readonly keys: {
    /**
     * List API keys.
     * Those of the calling key's organization and mode, the newest first.
     */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** The next_cursor of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Key>
    /**
     * Create an API key.
     * Of the calling key's organization and mode, and never one that can do more than the calling key.
     */
    create(body: NewKey, options?: CallOptions): Promise<CreatedKey>
    /** Read an API key */
    get(id: string, options?: CallOptions): Promise<Key>
    /** Delete an API key */
    delete(id: string, options?: CallOptions): Promise<void>
    /**
     * Rotate an API key.
     * A new key with the same name, scopes and networks takes its place. Refused for a key that can do more than the calling one.
     */
    rotate(id: string, body?: {
      /** How long the old key still works. */
      readonly overlap_seconds?: number | undefined
    }, options?: CallOptions): Promise<CreatedKey>
    /** End the overlap of a rotated key */
    endOverlap(id: string, options?: CallOptions): Promise<Key>
    /** Revoke an API key */
    revoke(id: string, options?: CallOptions): Promise<Key>
    /** Deactivate an API key */
    deactivate(id: string, options?: CallOptions): Promise<Key>
    /** Activate a deactivated API key */
    activate(id: string, options?: CallOptions): Promise<Key>
  }
  readonly apps: {
    /**
     * List OAuth apps.
     * Those that the calling key's organization has registered, of the key's mode, the newest first.
     */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** The next_cursor of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<App>
    /**
     * Register an OAuth app.
     * A public client of the calling key's organization and mode: no secret exists, and PKCE is always required. What is left out is as usual here.
     */
    create(body: NewApp, options?: CallOptions): Promise<App>
    /** Read an OAuth app */
    get(client_id: string, options?: CallOptions): Promise<App>
    /**
     * Delete an OAuth app.
     * Every authorization and token of the app ends.
     */
    delete(client_id: string, options?: CallOptions): Promise<void>
    /**
     * Change an OAuth app.
     * What is left out stays as it is. A scope that is taken away is gone at once from every authorization and access token of the app, and an authorization that is left with none ends; a redirect URI that is taken away takes the codes along that were not exchanged yet. A new name, homepage or redirect URI is not what was verified.
     */
    update(client_id: string, body: AppChange, options?: CallOptions): Promise<App>
    /**
     * Suspend an OAuth app.
     * From now on it can ask nobody, and its access tokens are refused; nothing that it was allowed is lost. Twice is as once.
     */
    suspend(client_id: string, options?: CallOptions): Promise<App>
    /**
     * Resume an OAuth app.
     * It goes on with the refresh tokens that it holds. Refused for one that was suspended by who runs this service.
     */
    resume(client_id: string, options?: CallOptions): Promise<App>
  }
  readonly grants: {
    /**
     * List grants.
     * What people have allowed apps to do for the calling key's organization, in the key's mode, the newest first; what has expired is left out.
     */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** The next_cursor of the page before. */
      readonly cursor?: string | undefined
      /** Of this app alone. */
      readonly client_id?: string | undefined
      /** By this person alone. */
      readonly person_id?: string | undefined
    }, options?: CallOptions): Listing<Grant>
    /** Read a grant */
    get(id: string, options?: CallOptions): Promise<Grant>
    /**
     * Revoke a grant.
     * Its tokens are refused from the next request on, and the app has to ask the person again. The audit log keeps what it was.
     */
    revoke(id: string, options?: CallOptions): Promise<void>
  }
  readonly audit: {
    /**
     * List audit events.
     * What was done in the calling key's organization, the newest first. The audit log is one for both modes: a live key reads it, and a test key does not.
     */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** The next_cursor of the page before. */
      readonly cursor?: string | undefined
      /** This action alone. */
      readonly action?: string | undefined
      /** What this person, key, app or platform did. */
      readonly actor_id?: string | undefined
      /** What was done to this key, app, grant, person …. */
      readonly target?: string | undefined
      /** From this time on. */
      readonly since?: string | undefined
      /** Before this time. */
      readonly until?: string | undefined
    }, options?: CallOptions): Listing<AuditEvent>
  }
}

export class BoothZenClient extends ContractClient {
  declare readonly me: Resources["me"]
  declare readonly bookings: Resources["bookings"]
  declare readonly customers: Resources["customers"]
  declare readonly keys: Resources["keys"]
  declare readonly apps: Resources["apps"]
  declare readonly grants: Resources["grants"]
  declare readonly audit: Resources["audit"]

  /**
   * Makes a customer's organization where it is not there yet, and a key for it.
   * @throws LatchkeyError
   */
  static createOrganizationApiKey(config: PlatformConfig, data: NewOrganization): Promise<OrganizationApiKey> {
    return provision(boothzen, config, data)
  }

  constructor(options: ClientOptions) {
    super(boothzen, options)
  }
}
