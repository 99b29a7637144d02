// What is counted, for Prometheus to read: one registry per server.
import { AggregatorRegistry, Counter, collectDefaultMetrics, Registry } from 'prom-client'

export interface Metrics {
  /** Refresh tokens that came back after they were retired and outside of the grace window, by cause. */
  readonly refreshTokensReused: Counter<'cause' | 'response'>
  /** Tokens that the token endpoint gave, by grant type. */
  readonly tokensIssued: Counter<'grant_type'>
  /** What the authorization server refused, by endpoint and RFC 6749's code. */
  readonly oauthRefused: Counter<'endpoint' | 'error'>
  /** Rows that the sweep took away, by table. */
  readonly sweptRows: Counter<'table'>
  /** What this process has counted, as JSON. */
  collect(): Promise<readonly object[]>
  /** The page that Prometheus asks for, and its content type, with what other workers of the machine `collect`. */
  read(
    others?: readonly (readonly object[])[],
  ): Promise<{ readonly text: string; readonly contentType: string }>
}

/**
 * @param worker which worker this is, as a label: a sum over workers would fall when one of them begins anew, which
 *   Prometheus takes for counts. null where there is one process, whose figures have no such label
 */
export function createMetrics(worker: number | null = null): Metrics {
  const registry = new Registry()
  if (worker !== null) registry.setDefaultLabels({ worker: String(worker) })
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
    collect: () => registry.getMetricsAsJSON(),
    read: async (others = []) => {
      const { contentType } = registry
      if (others.length === 0) return { text: await registry.metrics(), contentType }
      const all = [await registry.getMetricsAsJSON(), ...others]
      return { text: await AggregatorRegistry.aggregate(all.map(apart)).metrics(), contentType }
    },
  }
}

/** No two workers' figures have the same labels: to "sum" them leaves each as it is. */
const apart = (metrics: readonly object[]) => metrics.map((it) => ({ ...it, aggregator: 'sum' }))
