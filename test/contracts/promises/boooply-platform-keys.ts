// The interviews API: Platform Keys.
import { aside, type PublishedPage, promise } from '../../support/published-page.ts'

const heading = 'a heading'
const advice = 'advice'
const head = 'the head of a table'
const theirs = "the platform's own code or database"

export const boooplyPlatformKeys: PublishedPage = {
  title: 'Boooply: Platform Keys',
  tests: 'boooply-platform-keys.test.ts',
  sentences: [
    aside('Platform Keys', heading),
    promise(
      'Platform keys are for multi-tenant platforms (ATS, HRIS, recruitment tools) that integrate Boooply on behalf of their customers.',
    ),
    promise('If you’re integrating Boooply for your own company, use an organization key instead.'),
    aside('How it works', heading),
    promise('You get a platform key from Boooply (bply_platform_xxxxxxxxxxxxx)'),
    aside('Customer clicks “Connect Boooply” in your product', theirs),
    promise('Your backend calls createOrganizationApiKey() — Boooply creates an org and returns a key'),
    aside('You store the org key in your database, associated with that customer', theirs),
    promise('All API calls for that customer use their org key — interviews, evaluations, transcripts, etc.'),
    promise('The customer never sees or manages any keys.'),
    aside('The entire flow is seamless from their perspective.', 'praise'),
    aside('BoooplyClient.createOrganizationApiKey(config, data)', heading),
    promise('Creates an organization-specific API key.'),
    promise('Call this once per customer when they connect Boooply in your platform.'),
    promise(
      "const { BoooplyClient } = require('@boooply/ai-interviews-sdk'); const result = await BoooplyClient.createOrganizationApiKey({ baseUrl, platformKey }, { userId: '12345', …, teamMembers: […] });",
    ),
    promise("const orgApiKey = result.apiKey; // 'bply_org_xxxxx'"),
    aside('await db.saveBoooplyKey(customerId, orgApiKey);', theirs),
    aside('Config parameters', heading),
    aside('Parameter | Type | Required | Description', head),
    promise('baseUrl | string | Yes | Boooply API URL'),
    promise('platformKey | string | Yes | Your platform master key (bply_platform_...)'),
    aside('Data parameters', heading),
    aside('Parameter | Type | Required | Description', head),
    promise('userId | string | Yes | User ID from your platform'),
    promise('userEmail | string | Yes | User email'),
    promise('userName | string | No | User name'),
    promise('organizationId | string | Yes | Your platform’s org ID'),
    promise('organizationName | string | No | Organization name'),
    promise('teamMembers | Array | No | Team members to import ([{ email, name, role }])'),
    promise('Security: Only call this from your server.'),
    promise('The platform key grants elevated privileges — it can create organizations and API keys.'),
    aside('Never expose it in client-side code.', advice),
    aside('Using the org key', heading),
    promise('After provisioning, create a BoooplyClient instance with the customer’s org key:'),
    aside('// For each customer, use their stored org key', 'a comment on the line that follows it'),
    promise("// Now all operations are scoped to that customer's organization"),
    promise(
      "const interview = await client.interviews.create({ type: 'ai', jobRole: 'Frontend Engineer', candidate: { name: 'Jane', email: 'jane@example.com' }, });",
    ),
    aside('Full integration example', heading),
    aside('// routes/integrations.js — your platform’s backend', theirs),
    promise('// 1. Customer connects Boooply'),
    promise('// 2. Create interview on behalf of customer'),
    aside('When to use platform keys vs org keys', heading),
    aside('Organization Key | Platform Key', head),
    aside('Who | Single company integrating Boooply | Platform serving multiple companies', advice),
    promise('Key management | User copies key from Boooply dashboard | Your backend auto-provisions keys'),
    aside(
      'User experience | User pastes API key in your settings | User clicks “Connect” — no keys visible',
      "the platform's own product",
    ),
    promise('Key format | bply_org_... | bply_platform_... (master) → creates bply_org_... per customer'),
    aside(
      'Where key lives | Customer’s .env or settings | Your platform’s .env (master) + database (per-customer org keys)',
      theirs,
    ),
    aside(
      'Example | A company builds their own Boooply integration | An ATS like TalentFlow offers Boooply to all its customers',
      'an example of who',
    ),
    aside('Last updated on', 'a date of the page'),
  ],
}
