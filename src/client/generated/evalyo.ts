// Evalyo: its contract, its types and its client.
// Written from the profile and its OpenAPI document: npm run generate:client
import type { CallOptions } from '../caller.ts'
import { type ClientOptions, ContractClient } from '../client.ts'
import type { Contract } from '../contract.ts'
import type { Listing } from '../listing.ts'

export const evalyo: Contract = {
  name: "evalyo",
  brand: "Evalyo",
  basePaths: ["/api/v1"],
  header: "authorization",
  prefixes: { apiKey: ["evl_"], accessToken: ["evl_oat_"], platformKey: ["evl_platform_"] },
  requestIdHeader: "x-request-id",
  envelope: { item: ["data"], items: ["data"], nextCursor: null, page: null, totalPages: null, message: ["detail"], code: ["code"], param: ["param"], requestId: ["request_id"] },
  pagination: "link",
  operations: [
    { id: "getMe", method: "GET", path: "/me", resource: null, name: "me", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listInterviews", method: "GET", path: "/interviews", resource: "interviews", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createInterview", method: "POST", path: "/interviews", resource: "interviews", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getInterview", method: "GET", path: "/interviews/{id}", resource: "interviews", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateInterview", method: "PATCH", path: "/interviews/{id}", resource: "interviews", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listCandidates", method: "GET", path: "/candidates", resource: "candidates", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createCandidate", method: "POST", path: "/candidates", resource: "candidates", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getCandidate", method: "GET", path: "/candidates/{id}", resource: "candidates", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateCandidate", method: "PATCH", path: "/candidates/{id}", resource: "candidates", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listJobs", method: "GET", path: "/jobs", resource: "jobs", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createJob", method: "POST", path: "/jobs", resource: "jobs", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getJob", method: "GET", path: "/jobs/{id}", resource: "jobs", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateJob", method: "PATCH", path: "/jobs/{id}", resource: "jobs", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listCampaigns", method: "GET", path: "/campaigns", resource: "campaigns", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createCampaign", method: "POST", path: "/campaigns", resource: "campaigns", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getCampaign", method: "GET", path: "/campaigns/{id}", resource: "campaigns", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateCampaign", method: "PATCH", path: "/campaigns/{id}", resource: "campaigns", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listStages", method: "GET", path: "/stages", resource: "stages", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createStage", method: "POST", path: "/stages", resource: "stages", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getStage", method: "GET", path: "/stages/{id}", resource: "stages", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateStage", method: "PATCH", path: "/stages/{id}", resource: "stages", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listTests", method: "GET", path: "/tests", resource: "tests", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createTest", method: "POST", path: "/tests", resource: "tests", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getTest", method: "GET", path: "/tests/{id}", resource: "tests", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateTest", method: "PATCH", path: "/tests/{id}", resource: "tests", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listReports", method: "GET", path: "/reports", resource: "reports", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "getReport", method: "GET", path: "/reports/{id}", resource: "reports", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "listAgents", method: "GET", path: "/agents", resource: "agents", name: "list", input: "query", answer: "list", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "createAgent", method: "POST", path: "/agents", resource: "agents", name: "create", input: "body", answer: "item", sendsIdempotencyKey: true, isForPlatforms: false },
    { id: "getAgent", method: "GET", path: "/agents/{id}", resource: "agents", name: "get", input: null, answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
    { id: "updateAgent", method: "PATCH", path: "/agents/{id}", resource: "agents", name: "update", input: "body", answer: "item", sendsIdempotencyKey: false, isForPlatforms: false },
  ],
}

export interface Agent {
  readonly id: string
  readonly name: string
  readonly voice: string
  readonly tone: "warm" | "neutral" | "formal"
  /** ISO 639-1. */
  readonly language: string
  readonly config: AgentConfig
}

export interface AgentChange {
  readonly name?: string | undefined
  readonly voice?: string | undefined
  readonly tone?: "warm" | "neutral" | "formal" | undefined
  /** ISO 639-1. */
  readonly language?: string | undefined
  readonly config?: AgentConfig | undefined
}

export interface AgentConfig {
  /** What it says first; null for a greeting of its own. */
  readonly opening: string | null
  readonly max_minutes: number
  /** Whether it asks back. */
  readonly follow_ups: boolean
}

export interface Campaign {
  readonly id: string
  readonly name: string
  readonly job_id: string
  readonly status: "draft" | "active" | "paused" | "closed"
  readonly starts_at: string | null
  readonly ends_at: string | null
}

export interface CampaignChange {
  readonly name?: string | undefined
  readonly job_id?: string | undefined
  readonly status?: "draft" | "active" | "paused" | "closed" | undefined
  readonly starts_at?: string | null | undefined
  readonly ends_at?: string | null | undefined
}

export interface Candidate {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly phone: string | null
  readonly location: string | null
  /** ISO 639-1. */
  readonly language: string
  readonly tags: readonly string[]
}

export interface CandidateChange {
  readonly name?: string | undefined
  readonly email?: string | undefined
  readonly phone?: string | null | undefined
  readonly location?: string | null | undefined
  /** ISO 639-1. */
  readonly language?: string | undefined
  readonly tags?: readonly string[] | undefined
}

export interface Credential {
  readonly kind: "api_key"
  readonly organization_id: string
  readonly mode: "live"
  readonly scopes: readonly string[]
  readonly expires_at: string | null
  readonly key_id?: string
}

export interface Interview {
  readonly id: string
  readonly candidate_id: string
  readonly job_id: string
  /** null for one that a person leads. */
  readonly agent_id: string | null
  readonly stage_id: string | null
  readonly status: "scheduled" | "in_progress" | "completed" | "cancelled"
  readonly scheduled_at: string
  readonly duration_minutes: number
}

export interface InterviewChange {
  readonly candidate_id?: string | undefined
  readonly job_id?: string | undefined
  /** null for one that a person leads. */
  readonly agent_id?: string | null | undefined
  readonly stage_id?: string | null | undefined
  readonly status?: "scheduled" | "in_progress" | "completed" | "cancelled" | undefined
  readonly scheduled_at?: string | undefined
  readonly duration_minutes?: number | undefined
}

export interface Job {
  readonly id: string
  readonly title: string
  readonly department: string | null
  readonly location: string | null
  readonly employment_type: "full_time" | "part_time" | "contract" | "internship"
  readonly status: "draft" | "open" | "closed"
  readonly description: string
}

export interface JobChange {
  readonly title?: string | undefined
  readonly department?: string | null | undefined
  readonly location?: string | null | undefined
  readonly employment_type?: "full_time" | "part_time" | "contract" | "internship" | undefined
  readonly status?: "draft" | "open" | "closed" | undefined
  readonly description?: string | undefined
}

export interface NewAgent {
  readonly name: string
  readonly voice: string
  readonly tone?: "warm" | "neutral" | "formal" | undefined
  /** ISO 639-1. */
  readonly language?: string | undefined
  readonly config?: AgentConfig | undefined
}

export interface NewCampaign {
  readonly name: string
  readonly job_id: string
  readonly status?: "draft" | "active" | "paused" | "closed" | undefined
  readonly starts_at?: string | null | undefined
  readonly ends_at?: string | null | undefined
}

export interface NewCandidate {
  readonly name: string
  readonly email: string
  readonly phone?: string | null | undefined
  readonly location?: string | null | undefined
  /** ISO 639-1. */
  readonly language?: string | undefined
  readonly tags?: readonly string[] | undefined
}

export interface NewInterview {
  readonly candidate_id: string
  readonly job_id: string
  /** null for one that a person leads. */
  readonly agent_id?: string | null | undefined
  readonly stage_id?: string | null | undefined
  readonly status?: "scheduled" | "in_progress" | "completed" | "cancelled" | undefined
  readonly scheduled_at: string
  readonly duration_minutes?: number | undefined
}

export interface NewJob {
  readonly title: string
  readonly department?: string | null | undefined
  readonly location?: string | null | undefined
  readonly employment_type?: "full_time" | "part_time" | "contract" | "internship" | undefined
  readonly status?: "draft" | "open" | "closed" | undefined
  readonly description?: string | undefined
}

export interface NewStage {
  readonly campaign_id: string
  readonly name: string
  /** 1 comes first. */
  readonly position: number
  readonly kind?: "screening" | "test" | "interview" | "decision" | undefined
}

export interface NewTest {
  readonly title: string
  readonly job_id?: string | null | undefined
  readonly kind?: "code" | "quiz" | "case_study" | undefined
  readonly duration_minutes: number
  readonly skills?: readonly string[] | undefined
  readonly status?: "draft" | "published" | "archived" | undefined
}

export interface Report {
  readonly id: string
  readonly kind: "test" | "interview"
  readonly candidate_id: string
  readonly interview_id: string | null
  readonly test_id: string | null
  readonly score: number
  readonly recommendation: "advance" | "hold" | "reject"
  readonly summary: string
  readonly completed_at: string
}

export interface Stage {
  readonly id: string
  readonly campaign_id: string
  readonly name: string
  /** 1 comes first. */
  readonly position: number
  readonly kind: "screening" | "test" | "interview" | "decision"
}

export interface StageChange {
  readonly campaign_id?: string | undefined
  readonly name?: string | undefined
  /** 1 comes first. */
  readonly position?: number | undefined
  readonly kind?: "screening" | "test" | "interview" | "decision" | undefined
}

export interface Test {
  readonly id: string
  readonly title: string
  readonly job_id: string | null
  readonly kind: "code" | "quiz" | "case_study"
  readonly duration_minutes: number
  readonly skills: readonly string[]
  readonly status: "draft" | "published" | "archived"
}

export interface TestChange {
  readonly title?: string | undefined
  readonly job_id?: string | null | undefined
  readonly kind?: "code" | "quiz" | "case_study" | undefined
  readonly duration_minutes?: number | undefined
  readonly skills?: readonly string[] | undefined
  readonly status?: "draft" | "published" | "archived" | undefined
}

/** The client's methods. */
export interface Resources {
  /**
   * What the calling credential is.
   * Any good credential may ask.
   */
  me(options?: CallOptions): Promise<Credential>
  readonly interviews: {
    /** List interviews */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** Where the page begins: take it from the header Link of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Interview>
    /** Create an interview */
    create(body: NewInterview, options?: CallOptions): Promise<Interview>
    /** Read an interview */
    get(id: string, options?: CallOptions): Promise<Interview>
    /**
     * Update an interview.
     * Only the fields that are sent are changed.
     */
    update(id: string, body: InterviewChange, options?: CallOptions): Promise<Interview>
  }
  readonly candidates: {
    /** List candidates */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** Where the page begins: take it from the header Link of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Candidate>
    /** Create a candidate */
    create(body: NewCandidate, options?: CallOptions): Promise<Candidate>
    /** Read a candidate */
    get(id: string, options?: CallOptions): Promise<Candidate>
    /**
     * Update a candidate.
     * Only the fields that are sent are changed.
     */
    update(id: string, body: CandidateChange, options?: CallOptions): Promise<Candidate>
  }
  readonly jobs: {
    /** List job postings */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** Where the page begins: take it from the header Link of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Job>
    /** Create a job posting */
    create(body: NewJob, options?: CallOptions): Promise<Job>
    /** Read a job posting */
    get(id: string, options?: CallOptions): Promise<Job>
    /**
     * Update a job posting.
     * Only the fields that are sent are changed.
     */
    update(id: string, body: JobChange, options?: CallOptions): Promise<Job>
  }
  readonly campaigns: {
    /** List hiring processes */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** Where the page begins: take it from the header Link of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Campaign>
    /** Create a hiring process */
    create(body: NewCampaign, options?: CallOptions): Promise<Campaign>
    /** Read a hiring process */
    get(id: string, options?: CallOptions): Promise<Campaign>
    /**
     * Update a hiring process.
     * Only the fields that are sent are changed.
     */
    update(id: string, body: CampaignChange, options?: CallOptions): Promise<Campaign>
  }
  readonly stages: {
    /** List pipeline stages */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** Where the page begins: take it from the header Link of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Stage>
    /** Create a pipeline stage */
    create(body: NewStage, options?: CallOptions): Promise<Stage>
    /** Read a pipeline stage */
    get(id: string, options?: CallOptions): Promise<Stage>
    /**
     * Update a pipeline stage.
     * Only the fields that are sent are changed.
     */
    update(id: string, body: StageChange, options?: CallOptions): Promise<Stage>
  }
  readonly tests: {
    /** List technical tests */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** Where the page begins: take it from the header Link of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Test>
    /** Create a technical test */
    create(body: NewTest, options?: CallOptions): Promise<Test>
    /** Read a technical test */
    get(id: string, options?: CallOptions): Promise<Test>
    /**
     * Update a technical test.
     * Only the fields that are sent are changed.
     */
    update(id: string, body: TestChange, options?: CallOptions): Promise<Test>
  }
  readonly reports: {
    /** List results of tests and interviews */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** Where the page begins: take it from the header Link of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Report>
    /** Read a result */
    get(id: string, options?: CallOptions): Promise<Report>
  }
  readonly agents: {
    /** List AI agents */
    list(query?: {
      /** How many to return. */
      readonly limit?: number | undefined
      /** Where the page begins: take it from the header Link of the page before. */
      readonly cursor?: string | undefined
    }, options?: CallOptions): Listing<Agent>
    /** Create an AI agent */
    create(body: NewAgent, options?: CallOptions): Promise<Agent>
    /** Read an AI agent */
    get(id: string, options?: CallOptions): Promise<Agent>
    /**
     * Update an AI agent.
     * Only the fields that are sent are changed.
     */
    update(id: string, body: AgentChange, options?: CallOptions): Promise<Agent>
  }
}

export class EvalyoClient extends ContractClient {
  declare readonly me: Resources["me"]
  declare readonly interviews: Resources["interviews"]
  declare readonly candidates: Resources["candidates"]
  declare readonly jobs: Resources["jobs"]
  declare readonly campaigns: Resources["campaigns"]
  declare readonly stages: Resources["stages"]
  declare readonly tests: Resources["tests"]
  declare readonly reports: Resources["reports"]
  declare readonly agents: Resources["agents"]

  constructor(options: ClientOptions) {
    super(evalyo, options)
  }
}
