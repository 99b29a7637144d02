// The ids of the house: each says what it names, to its reader and to the compiler.
import { randomBase36 } from '../lib/random.ts'

export type OrganizationId = `org_${string}`
export type PersonId = `person_${string}`
export type PlatformId = `platform_${string}`
export type InvitationId = `invite_${string}`
export type SessionId = `session_${string}`
export type KeyId = `key_${string}`
/** An app that registered by metadata document is named by the document's address. */
export type ClientId = `app_${string}` | `https://${string}`
export type ResourceServerId = `rs_${string}`
export type RegistrationTokenId = `regtoken_${string}`
export type GrantId = `grant_${string}`
export type RequestId = `req_${string}`

// 24 characters of base 36 are 124 bits: nobody guesses one (SECURITY U13).
export const newOrganizationId = (): OrganizationId => `org_${randomBase36(24)}`
export const newPersonId = (): PersonId => `person_${randomBase36(24)}`
export const newPlatformId = (): PlatformId => `platform_${randomBase36(24)}`
export const newInvitationId = (): InvitationId => `invite_${randomBase36(24)}`
export const newSessionId = (): SessionId => `session_${randomBase36(24)}`
export const newKeyId = (): KeyId => `key_${randomBase36(24)}`
export const newClientId = (): ClientId => `app_${randomBase36(24)}`
export const newResourceServerId = (): ResourceServerId => `rs_${randomBase36(24)}`
export const newRegistrationTokenId = (): RegistrationTokenId => `regtoken_${randomBase36(24)}`
export const newGrantId = (): GrantId => `grant_${randomBase36(24)}`

export const isOrganizationId = (text: string): text is OrganizationId => /^org_[0-9a-z]{24}$/.test(text)
export const isPersonId = (text: string): text is PersonId => /^person_[0-9a-z]{24}$/.test(text)
export const isPlatformId = (text: string): text is PlatformId => /^platform_[0-9a-z]{24}$/.test(text)
export const isInvitationId = (text: string): text is InvitationId => /^invite_[0-9a-z]{24}$/.test(text)
export const isSessionId = (text: string): text is SessionId => /^session_[0-9a-z]{24}$/.test(text)
export const isKeyId = (text: string): text is KeyId => /^key_[0-9a-z]{24}$/.test(text)
export const isClientId = (text: string): text is ClientId =>
  /^app_[0-9a-z]{24}$/.test(text) || /^https:\/\/[\x21-\x7e]{1,2000}$/.test(text)
export const isResourceServerId = (text: string): text is ResourceServerId => /^rs_[0-9a-z]{24}$/.test(text)
export const isRegistrationTokenId = (text: string): text is RegistrationTokenId =>
  /^regtoken_[0-9a-z]{24}$/.test(text)
export const isGrantId = (text: string): text is GrantId => /^grant_[0-9a-z]{24}$/.test(text)
