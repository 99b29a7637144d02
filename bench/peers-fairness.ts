// What a reader of the comparison with the peers has to know: what each of them does for the same question, and what it
// does not.

export const fairness: readonly string[] = [
  'All: one process each, keep-alive connections, the same PostgreSQL, as many credentials (1,000 keys, 32 access ' +
    'tokens, a family of refresh tokens per connection). None is behind TLS or a proxy. Latchkey alone writes a log line ' +
    'for each request.',
  'Connections: a pool of ten each. Latchkey has ten for statements as these are, and beside them two for look-ups, one ' +
    'that listens, and ten for what is rare (sealing the ledger, sweeping, pages).',
  'Limits: Latchkey counts them, and none is ever full. Those of better-auth are off by its options (by default 10 ' +
    'uses of a key a day and 100 introspections a minute from one address). The other two have none.',
  'Verify, Latchkey: GET /api/v1/me, with mode, scope, limit, headers, log line and last use. From its cache, which ' +
    'hears of a revocation within a stated bound (docs/revocation.md).',
  'Verify, better-auth: verifyApiKey is a call within the server; a route of bare node:http stands around it. It looks ' +
    'the key up and writes its last use to the row each time. "In memory" is its secondary storage, a map in the same ' +
    'process in the place of Redis: faster than any Redis, and no other process would hear of a revocation.',
  'Introspect, better-auth: by a confidential client, for tokens of its own; opaque, as it issues them when no resource ' +
    'is asked for. Its signed tokens need no introspection, and can not be revoked before they expire.',
  'Introspect, @node-oauth/oauth2-server: it has no endpoint; authenticate() in a route of bare node:http answers the ' +
    'same claims, and nobody has to say who asks.',
  'Storage: Latchkey, better-auth and our model for @node-oauth/oauth2-server keep hashes of secrets; the plain adapter ' +
    'keeps them in the clear, as those that people write for oidc-provider do.',
  'Refresh: rotation everywhere, public clients. Latchkey does it by a look-up and one statement with an audit ' +
    'event, both shared by those of the same moment, and answers the same again when the answer was lost. The plain adapter and the model for @node-oauth/oauth2-server are not ' +
    'atomic, and a lost answer ends the session; better-auth would answer again only if refreshTokenReuseInterval was set.',
  'Create, Latchkey: POST /api/v1/keys by an API key, with its audit event in the same transaction. Create, better-auth: ' +
    'POST /api-key/create with a session cookie and its cookie cache on, so that no session is looked up; no audit.',
  '@node-oauth/oauth2-server brings no storage: ours, by named statements of pg, is about as fast as one can be.',
]
