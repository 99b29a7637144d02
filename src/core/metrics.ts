// What is counted, for Prometheus to read: one registry per server.
import { Counter, collectDefaultMetrics, Registry } from 'prom-client'

export interface Metrics {
  /** Refresh tokens that came back after they were retired and outside of the grace window, by cause. */
  readonly refreshTokensReused: Counter<'cause' | 'response'>
  /** Tokens that the token endpoint gave, by grant type. */
  readonly tokensIssued: Counter<'grant_type'>
  /** What the authorization server refused, by endpoint and RFC 6749's code. */
  readonly oauthRefused: Counter<'endpoint' | 'error'>
  /** Rows that the sweep took away, by table. */
  readonly sweptRows: Counter<'table'>
  /** The page that Prometheus asks for, and its content type. */
  read(): Promise<{ readonly text: string; readonly contentType: string }>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter<Label>({ name, help, labelNames: [...labelNames], registers: [registry] })
  return {
    refreshTokensReused: counter(
      'latchkey_refresh_tokens_reused_total',
      'Retired refresh tokens that came back outside of the grace window.',
      ['cause', 'response'],
    ),
    tokensIssued: counter('latchkey_tokens_issued_total', 'Answers of the token endpoint with tokens.', [
      'grant_type',
    ]),
    oauthRefused: counter('latchkey_oauth_refused_total', 'Requests that the authorization server refused.', [
      'endpoint',
      'error',
    ]),
    sweptRows: counter('latchkey_swept_rows_total', 'Expired rows that were taken away.', ['table']),
    read: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  }
}
