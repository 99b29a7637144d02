// Boooply: its contract, its types and its client.
// Written from the profile and its OpenAPI document: npm run generate:client
import type { CallOptions } from '../caller.ts'
import { type ClientOptions, ContractClient } from '../client.ts'
import type { Contract } from '../contract.ts'
import type { Listing } from '../listing.ts'
import { type NewOrganization, type OrganizationApiKey, type PlatformConfig, provision } from '../provision.ts'

export const boooply: Contract = {
  name: "boooply",
  brand: "Boooply",
  basePaths: ["/api/integration"],
  header: "authorization",
  prefixes: { apiKey: ["bply_org_"], accessToken: ["bply_oat_"], platformKey: ["bply_platform_"] },
  requestIdHeader: "x-request-id",
  envelope: { item: [], items: ["data"], nextCursor: ["nextCursor"], page: null, totalPages: null, message: ["error"], code: ["code"], param: null, requestId: null },
  pagination: "cursor",
  operations: [
    { id: "getMe", method: "GET", path: "/me", resource: null, name: "me", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listInterviews", method: "GET", path: "/interviews", resource: "interviews", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createInterview", method: "POST", path: "/interviews", resource: "interviews", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getInterview", method: "GET", path: "/interviews/{id}", resource: "interviews", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateInterview", method: "PATCH", path: "/interviews/{id}", resource: "interviews", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listEvaluations", method: "GET", path: "/evaluations", resource: "evaluations", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createEvaluation", method: "POST", path: "/evaluations", resource: "evaluations", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getEvaluation", method: "GET", path: "/evaluations/{id}", resource: "evaluations", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listTranscripts", method: "GET", path: "/transcripts", resource: "transcripts", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "getTranscript", method: "GET", path: "/transcripts/{id}", resource: "transcripts", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createOrganizationApiKey", method: "POST", path: "/organizations/api-key", resource: "organizations", name: "createApiKey", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: true },
  ],
}

export interface Candidate {
  readonly name: string
  readonly email: string
}

export interface Credential {
  readonly kind: "api_key"
  readonly organization_id: string
  readonly mode: "live"
  /** Always empty: a key holds its whole organization. */
  readonly scopes: readonly string[]
  readonly expires_at: string | null
  readonly key_id: string
}

export interface Evaluation {
  readonly id: string
  readonly interviewId: string
  readonly status: "pending" | "completed"
  /** null while it is pending. */
  readonly score: number | null
  /** null while it is pending. */
  readonly summary: string | null
}

export interface Interview {
  readonly id: string
  /** Who asks: the AI interviewer. */
  readonly type: "ai"
  readonly jobRole: string
  readonly candidate: Candidate
  /** What the questions are about; without any, what the role asks for. */
  readonly skills: readonly string[]
  /** null: when it suits the candidate. */
  readonly scheduledAt: string | null
  readonly status: "scheduled" | "inProgress" | "completed" | "cancelled"
}

export interface InterviewChange {
  readonly jobRole?: string | undefined
  readonly candidate?: Candidate | undefined
  /** What the questions are about; without any, what the role asks for. */
  readonly skills?: readonly string[] | undefined
  /** null: when it suits the candidate. */
  readonly scheduledAt?: string | null | undefined
  readonly status?: "cancelled" | undefined
}

export interface NewEvaluation {
  readonly interviewId: string
  /** What a new one is. */
  readonly status?: "pending" | undefined
  /** There is none yet. */
  readonly score?: null | undefined
  /** There is none yet. */
  readonly summary?: null | undefined
}

export interface NewInterview {
  /** Who asks: the AI interviewer. */
  readonly type: "ai"
  readonly jobRole: string
  readonly candidate: Candidate
  /** What the questions are about; without any, what the role asks for. */
  readonly skills?: readonly string[] | undefined
  /** null: when it suits the candidate. */
  readonly scheduledAt?: string | null | undefined
  /** What a new one is. */
  readonly status?: "scheduled" | undefined
}

/** What every success has beside its own fields. */
export interface Success {
  readonly success: true
}

export interface Transcript {
  readonly id: string
  readonly interviewId: string
  readonly language: string
  readonly turns: readonly {
    readonly speaker: "interviewer" | "candidate"
    /** Since the interview began. */
    readonly atSeconds: number
    readonly text: string
  }[]
}

/** The client's methods. */
export interface Resources {
  /**
   * What the calling key is.
   * Any good organization key may ask.
   */
  me(options?: CallOptions): Promise<Success & Credential>
  readonly interviews: {
    /** List interviews */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** The nextCursor of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Interview>
    /**
     * Create an interview.
     * The candidate is invited by email, and talks to the AI interviewer when it suits them.
     */
    create(body: NewInterview, options?: CallOptions): Promise<Success & Interview>
    /** Read an interview */
    get(id: string, options?: CallOptions): Promise<Success & Interview>
    /**
     * Change or cancel an interview.
     * What is left out stays as it is.
     */
    update(id: string, body: InterviewChange, options?: CallOptions): Promise<Success & Interview>
  }
  readonly evaluations: {
    /** List evaluations */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** The nextCursor of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Evaluation>
    /**
     * Have an interview evaluated.
     * The AI reads the transcript; the evaluation is pending until it has.
     */
    create(body: NewEvaluation, options?: CallOptions): Promise<Success & Evaluation>
    /** Read an evaluation */
    get(id: string, options?: CallOptions): Promise<Success & Evaluation>
  }
  readonly transcripts: {
    /** List transcripts */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** The nextCursor of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Transcript>
    /** Read a transcript */
    get(id: string, options?: CallOptions): Promise<Success & Transcript>
  }
}

export class BoooplyClient extends ContractClient {
  declare readonly me: Resources["me"]
  declare readonly interviews: Resources["interviews"]
  declare readonly evaluations: Resources["evaluations"]
  declare readonly transcripts: Resources["transcripts"]

  /**
   * Makes a customer's organization where it is not there yet, and a key for it.
   * @throws LatchkeyError
   */
  static createOrganizationApiKey(config: PlatformConfig, data: NewOrganization): Promise<OrganizationApiKey> {
    return provision(boooply, config, data)
  }

  constructor(options: ClientOptions) {
    super(boooply, options)
  }
}
