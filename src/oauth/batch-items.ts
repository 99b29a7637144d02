// The body of POST /verify/batch. It is read by hand: a schema costs more than all else that is done for a credential.
import { isIP } from 'node:net'
import { plainAddress } from '../lib/network.ts'
import { invalidRequest } from './resource-server-door.ts'

export interface BatchItem {
  readonly credential: string
  /** '' where nobody says. */
  readonly address: string
  /** As its resource server calls it. */
  readonly operation: string | null
  readonly dpop: { readonly proof: string; readonly method: string; readonly url: string } | null
}

export const mostItems = 1000
const longestOperation = 200

/**
 * @throws Refusal that says what is wrong, and with which item; never what it was
 */
export function readBatch(text: string): readonly BatchItem[] {
  const body = parse(text)
  const credentials = isObject(body) ? body['credentials'] : undefined
  if (!Array.isArray(credentials) || credentials.length === 0 || credentials.length > mostItems)
    throw invalidRequest(`send {"credentials": [ … ]} with 1 to ${mostItems} of them`)
  return credentials.map(readItem)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidRequest('the body is not valid JSON')
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readItem(item: unknown, index: number): BatchItem {
  if (typeof item === 'string') return { credential: item, address: '', operation: null, dpop: null }
  const wrong = (say: string) => invalidRequest(`credentials[${index}]${say}`)
  if (!isObject(item)) throw wrong(' is neither a text nor an object')
  const { credential, client_address: told, operation = null, dpop } = item
  if (typeof credential !== 'string') throw wrong('.credential is no text')
  const address = readAddress(told)
  if (address === null) throw wrong('.client_address is no IP address')
  if (operation !== null && !isOperation(operation))
    throw wrong(`.operation is no text of 1 to ${longestOperation} printable ASCII characters`)
  return { credential, address, operation, dpop: dpop === undefined ? null : readProof(dpop, wrong) }
}

/** '' for none; null for what is no address. */
function readAddress(told: unknown): string | null {
  if (told === undefined) return ''
  if (typeof told !== 'string') return null
  const address = plainAddress(told)
  return isIP(address) === 0 ? null : address
}

/** It is kept and shown. */
const isOperation = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= longestOperation && /^[\x20-\x7e]+$/.test(value)

function readProof(value: unknown, wrong: (say: string) => Error): BatchItem['dpop'] {
  if (!isObject(value)) throw wrong('.dpop is no object')
  const { proof, method, url } = value
  if (typeof proof !== 'string' || typeof method !== 'string' || typeof url !== 'string')
    throw wrong('.dpop has no proof, method and url, a text each')
  return { proof, method, url }
}
