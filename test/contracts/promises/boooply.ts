// The interviews API: Authentication.
import { aside, type PublishedPage, promise } from '../../support/published-page.ts'

const heading = 'a heading'
const advice = 'advice'
const head = 'the head of a table'

export const boooply: PublishedPage = {
  title: 'Boooply: Authentication',
  tests: 'boooply-authentication.test.ts',
  sentences: [
    aside('Authentication', heading),
    promise('All API requests require a Bearer token in the Authorization header.'),
    promise(
      'curl https://api.meetings.boooply.com/api/integration/interviews -H "Authorization: Bearer bply_org_xxxxxxxxxxxxx"',
    ),
    aside('Which key should you use?', heading),
    aside(
      'There are two integration approaches depending on your use case:',
      'introduces the two that follow',
    ),
    aside('Direct integration (Organization key)', heading),
    promise(
      'Use this when your company is integrating Boooply directly — you manage your own API key and call the Boooply API from your backend.',
    ),
    promise('Get your API key from the Boooply dashboard under Integrations > REST API & SDK'),
    promise('Key format: bply_org_xxxxxxxxxxxxx'),
    promise('Scoped to your single organization'),
    aside('You write the code, you manage the key', advice),
    aside('# .env BOOOPLY_API_KEY=bply_org_xxxxxxxxxxxxx', "the caller's own file"),
    aside('Platform integration (Platform key)', heading),
    aside(
      'Use this when you’re building a platform (like an ATS, HRIS, or recruitment tool) that offers Boooply to your customers.',
      advice,
    ),
    aside(
      'Your customers click “Connect Boooply” in your product — they never see or manage API keys.',
      "the platform's own product",
    ),
    promise('You receive a platform master key from Boooply: bply_platform_xxxxxxxxxxxxx'),
    promise(
      'Your backend calls createOrganizationApiKey() to auto-provision a key for each customer organization',
    ),
    promise('Each customer gets their own bply_org_... key, stored in your database'),
    promise('The platform key lives in your .env — never exposed to end users'),
    aside(
      '# .env (your platform backend) BOOOPLY_PLATFORM_KEY=bply_platform_xxxxxxxxxxxxx',
      "the caller's own file",
    ),
    promise(
      '// When a customer connects Boooply in your platform const result = await BoooplyClient.createOrganizationApiKey(…)',
    ),
    promise('// Store this — use it for all API calls on behalf of this customer'),
    aside('await db.saveBoooplyApiKey(customer.orgId, result.apiKey);', "the platform's own database"),
    aside('See Platform Keys for the full reference.', 'a link'),
    aside('Rate Limits', heading),
    aside('Endpoint | Limit', head),
    promise('Read operations (GET) 100 req/min'),
    promise('Write operations (POST/PATCH/DELETE) 10 req/min'),
    promise('AI generation 5 req/min'),
    promise('Rate limit headers are included in all responses:'),
    promise('X-RateLimit-Limit — Max requests per window'),
    promise('X-RateLimit-Remaining — Remaining requests'),
    promise('X-RateLimit-Reset — Window reset time'),
    aside('Last updated on', 'a date of the page'),
  ],
}
