// Families of refresh tokens, each refreshed over and over with the token that it was just given.
import { z } from 'zod'
import type { SendSlice } from './compare.ts'
import { type Forms, sendForms } from './form-load.ts'
import type { Family } from './refresh-load.ts'

const answerSchema = z.object({ refresh_token: z.string() })

/** @param url of a token endpoint, whose clients are public; each connection has a family of its own */
export function refreshChains(url: string, families: readonly Family[]): SendSlice {
  const { port, pathname: path } = new URL(url)
  const forms: Forms = {
    next: (index) => {
      const family = families[index]
      if (!family) return null
      const { clientId, refreshToken } = family
      return `grant_type=refresh_token&client_id=${encodeURIComponent(clientId)}&refresh_token=${encodeURIComponent(refreshToken)}`
    },
    take: (index, text) => {
      const family = families[index]
      if (family) family.refreshToken = answerSchema.parse(JSON.parse(text)).refresh_token
    },
  }
  return (settings, signal) => sendForms({ port: Number(port), path }, forms, settings, signal)
}
