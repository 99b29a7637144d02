// Busy Board AI: its contract, its types and its client.
// Written from the profile and its OpenAPI document: npm run generate:client
import type { CallOptions } from '../caller.ts'
import { type ClientOptions, ContractClient } from '../client.ts'
import type { Contract } from '../contract.ts'
import type { Listing } from '../listing.ts'

export const busyboard: Contract = {
  name: "busyboard",
  brand: "Busy Board AI",
  basePaths: ["/v1"],
  header: "x-api-key",
  prefixes: { apiKey: ["sk_live_", "sk_test_"], accessToken: ["sk_oat_live_", "sk_oat_test_"], platformKey: ["sk_platform_"] },
  requestIdHeader: "x-request-id",
  envelope: { item: ["data"], items: ["data"], nextCursor: null, page: ["pagination", "page"], totalPages: ["pagination", "totalPages"], message: ["message"], code: null, param: null, requestId: null },
  pagination: "page",
  operations: [
    { id: "listCalls", method: "GET", path: "/calls", resource: "calls", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "getCall", method: "GET", path: "/calls/{id}", resource: "calls", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listAgents", method: "GET", path: "/agents", resource: "agents", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createAgent", method: "POST", path: "/agents", resource: "agents", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getAgent", method: "GET", path: "/agents/{id}", resource: "agents", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateAgent", method: "PATCH", path: "/agents/{id}", resource: "agents", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listAgentCalls", method: "GET", path: "/agents/call-history/{agentId}", resource: "agents", name: "listCalls", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "getSettings", method: "GET", path: "/organisation/settings", resource: "organisation", name: "getSettings", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "getMe", method: "GET", path: "/me", resource: null, name: "me", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
  ],
}

export interface Agent {
  readonly id: string
  readonly name: string
  readonly greeting: string
  readonly voice: string
  readonly language: string
  /** E.164. */
  readonly phoneNumber: string | null
  readonly status: "active" | "paused"
}

export interface AgentChange {
  readonly name?: string | undefined
  readonly greeting?: string | undefined
  readonly voice?: string | undefined
  readonly language?: string | undefined
  /** E.164. */
  readonly phoneNumber?: string | null | undefined
  readonly status?: "active" | "paused" | undefined
}

export interface Call {
  readonly id: string
  readonly agentId: string
  readonly direction: "inbound" | "outbound"
  /** E.164. */
  readonly from: string
  /** E.164. */
  readonly to: string
  readonly status: "completed" | "missed" | "voicemail" | "failed"
  readonly startedAt: string
  readonly durationSeconds: number
  readonly summary: string | null
}

export interface Credential {
  readonly kind: "api_key"
  readonly organization_id: string
  readonly mode: "live" | "test"
  readonly scopes: readonly string[]
  readonly expires_at: string | null
  readonly key_id?: string
}

export interface NewAgent {
  readonly name: string
  readonly greeting: string
  readonly voice?: string | undefined
  readonly language?: string | undefined
  /** E.164. */
  readonly phoneNumber?: string | null | undefined
  readonly status?: "active" | "paused" | undefined
}

export interface Settings {
  readonly id: string
  readonly name: string
  /** As the IANA time zone database names it. */
  readonly timezone: string
  readonly language: string
  readonly businessHours: {
    readonly opens: string
    readonly closes: string
  }
  readonly recordCalls: boolean
}

/** The client's methods. */
export interface Resources {
  readonly calls: {
    /** List calls */
    list(query?: {
      /** Which page, from 1 on. */
      readonly page?: number | undefined
      /** How many are on a page. */
      readonly limit?: number | undefined
    }, options?: CallOptions): Listing<Call>
    /** Read a call */
    get(id: string, options?: CallOptions): Promise<Call>
  }
  readonly agents: {
    /** List agents */
    list(query?: {
      /** Which page, from 1 on. */
      readonly page?: number | undefined
      /** How many are on a page. */
      readonly limit?: number | undefined
    }, options?: CallOptions): Listing<Agent>
    /** Create an agent */
    create(body: NewAgent, options?: CallOptions): Promise<Agent>
    /** Read an agent */
    get(id: string, options?: CallOptions): Promise<Agent>
    /**
     * Update an agent.
     * Only the fields that are sent are changed.
     */
    update(id: string, body: AgentChange, options?: CallOptions): Promise<Agent>
    /** List an agent's calls */
    listCalls(agentId: string, query?: {
      /** Which page, from 1 on. */
      readonly page?: number | undefined
      /** How many are on a page. */
      readonly limit?: number | undefined
    }, options?: CallOptions): Listing<Call>
  }
  readonly organisation: {
    /** Read the organisation's settings */
    getSettings(options?: CallOptions): Promise<Settings>
  }
  /**
   * What the calling key is.
   * Any good key may ask.
   */
  me(options?: CallOptions): Promise<Credential>
}

export class BusyBoardClient extends ContractClient {
  declare readonly calls: Resources["calls"]
  declare readonly agents: Resources["agents"]
  declare readonly organisation: Resources["organisation"]
  declare readonly me: Resources["me"]

  constructor(options: ClientOptions) {
    super(busyboard, options)
  }
}
