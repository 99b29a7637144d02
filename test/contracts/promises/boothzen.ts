// https://developer.boothzen.com: Authentication, and what its sibling pages add.
import { aside, type PublishedPage, promise } from '../../support/published-page.ts'

const heading = 'a heading'
const head = 'the head of a table'

export const boothzen: PublishedPage = {
  title: 'BoothZen: Authentication',
  tests: 'boothzen.test.ts',
  sentences: [
    aside('Skip to main content', 'a link of the page'),
    aside('Documentation Index', heading),
    promise('Fetch the complete documentation index at: https://developer.boothzen.com/llms.txt'),
    promise('Use this file to discover all available pages before exploring further.'),
    promise('The BoothZen public API accepts two equivalent credential types.'),
    promise(
      'Both grant access to the same /api/v1/* surface and share the same response shapes, rate-limit headers, and error envelopes.',
    ),
    aside('Credential | Best for | Manage in', head),
    promise('API key (Bearer) First-party scripts, server-to-server admin/settings/api-keys'),
    promise('OAuth 2.1 (PKCE) Third-party apps acting on behalf of operators admin/settings/oauth-apps'),
    aside('API keys (Bearer)', heading),
    promise('Send the key in the Authorization header on every request:'),
    promise('curl https://app.boothzen.com/api/v1/bookings -H "Authorization: Bearer bz_live_..."'),
    promise('Two prefixes, one binding:'),
    promise('bz_live_* — live data, real bookings, real payments.'),
    promise('bz_test_* — sandbox data, isolated from live.'),
    promise('Test keys cannot read live resources and live keys cannot read test resources.'),
    promise('There is no ?mode= toggle.'),
    promise('Keys are SHA-256 hashed at rest.'),
    promise('The full secret is shown once on creation.'),
    promise('If lost, revoke and re-issue from the admin UI — there is no recovery.'),
    aside('Manage API keys', heading),
    promise('Create, scope, rotate, and revoke keys.'),
    promise('Every action here is audit-logged.'),
    aside('Scopes', heading),
    promise('Each key carries a set of scopes (for example read:bookings, write:bookings, read:customers).'),
    promise(
      'The exact list of scopes per endpoint is part of the OpenAPI contract — see the x-required-scopes extension on each path in the live spec or in the API Reference tab.',
    ),
    aside(
      'The portal does not duplicate this list; it changes with the spec.',
      'what the portal leaves out; that the spec is what is enforced, the sentence before has tested',
    ),
    promise(
      'A request with a key that lacks the required scope returns 403 with a Stripe-shape error envelope (see Error Codes).',
    ),
    aside('Inspecting the active key', heading),
    aside('Every response includes:', 'the two lines that follow'),
    promise('X-BoothZen-Scope — the scopes granted to the calling key.'),
    promise('X-Request-Id — opaque request ID for support tickets.'),
    aside('OAuth 2.1 (PKCE) for third-party apps', heading),
    aside(
      'If you’re building an app that other BoothZen operators will install (for example a calendar sync, a CRM bridge, or a marketplace), use OAuth.',
      'advice',
    ),
    promise('PKCE is required — there is no confidential-client flow.'),
    aside('Endpoints', heading),
    aside('Purpose | URL', head),
    promise('Authorize https://app.boothzen.com/oauth/authorize'),
    promise('Token exchange https://app.boothzen.com/oauth/token'),
    promise('Refresh https://app.boothzen.com/oauth/token (grant_type=refresh_token)'),
    aside('Flow at a glance', heading),
    promise('Generate a PKCE code_verifier and SHA-256 code_challenge.'),
    promise(
      'Redirect the operator to /oauth/authorize?response_type=code&client_id=...&redirect_uri=...&scope=...&state=...&code_challenge=...&code_challenge_method=S256.',
    ),
    promise('Exchange the returned code for an access token at /oauth/token with the code_verifier.'),
    promise(
      'Use the access token in the same Authorization: Bearer ... header as an API key — OAuth tokens are interchangeable with API keys on /api/v1/*.',
    ),
    promise('Refresh tokens rotate on every exchange.'),
    promise('Always store the latest one and discard the previous.'),
    aside('Register an OAuth app', heading),
    promise('Create a client, set redirect URIs, and copy your client_id.'),
    promise('Public clients (mobile, SPA) do not get a secret — PKCE is mandatory.'),
    aside('Two equivalent hostnames', heading),
    promise('The public API is reachable under two equivalent base URLs:'),
    aside('Host pattern | When to use', head),
    promise(
      'https://app.boothzen.com/api/v1/* The canonical host. Works for every tenant. Used by all docs examples.',
    ),
    promise(
      'https://{slug}.boothzen.com/api/v1/* The tenant-branded host. Useful for white-label integrations where the request URL itself should reveal the operator.',
    ),
    promise(
      'Both resolve the calling tenant from the API key, not the hostname — the slug-host is purely cosmetic.',
    ),
    promise('All response shapes, rate limits, and scopes are identical.'),
    promise(
      'There is also a legacy short form, https://api.boothzen.com/v1/*, which is equivalent to app.boothzen.com/api/v1/*.',
    ),
    aside('New code should prefer the app.boothzen.com form.', 'advice'),
  ],
}

/** Error codes, rate limits, the reference: what they say that the page above does not. */
export const boothzenSiblings: PublishedPage = {
  title: 'BoothZen: its sibling pages',
  tests: 'boothzen-reference.test.ts',
  sentences: [
    promise(
      '400 invalid_request_error malformed JSON, a key in the query (?api_key=), a missing Content-Type',
    ),
    promise('401 authentication_error a missing, malformed, revoked or unknown credential'),
    promise(
      '403 permission_error the credential lacks a required scope, or is of the wrong mode (a test key on a live resource)',
    ),
    promise('404 invalid_request_error no such resource, or it belongs to another tenant'),
    promise('409 invalid_request_error the same Idempotency-Key came with another body'),
    promise('422 validation_error right shape, wrong value; param names the field'),
    promise('429 rate_limit_error the bucket is empty; code: rate_limit_exceeded; Retry-After'),
    promise('500 api_error our fault; safe to retry; quote request_id'),
    promise('600 a minute and 60 a second, per credential, API keys and OAuth tokens alike'),
    promise(
      'RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset (seconds left), and Retry-After on 429, on every answer, errors too',
    ),
    promise('{"data": […], "next_cursor": null}, cursor pagination (?cursor=&limit=)'),
    promise(
      'GET /api/v1/bookings answers {"data": [{"id": "bk_" + ULID, "status": "confirmed", "starts_at", "ends_at", "customer_id": "cu_" + ULID, "total": {"amount": 45000, "currency": "GBP"}}], "next_cursor": null}',
    ),
    promise("times are ISO 8601 in UTC, amount counts the currency's smallest unit"),
    promise(
      'The live OpenAPI 3.1 document is at /api/v1/openapi.json, with x-required-scopes on each operation',
    ),
    promise('key expiry: none by itself'),
  ],
}
