// The voice-agent API: Authentication.
import { aside, type PublishedPage, promise } from '../../support/published-page.ts'

const heading = 'a heading'
const advice = 'advice'

export const busyboard: PublishedPage = {
  title: 'Busy Board: Authentication',
  tests: 'busyboard.test.ts',
  sentences: [
    aside('Authentication', heading),
    promise('Busy Board AI uses API Keys to authenticate requests.'),
    promise('You can manage your keys in the Developer Platform section of your dashboard.'),
    aside('1 Obtaining an API Key', heading),
    promise('To get started, navigate to Settings > Developer Platform in your Administrator Portal.'),
    promise('Click on "Create New Key", provide a descriptive name, and select the required scopes.'),
    promise('Security Note: Your full API Key will only be shown once.'),
    aside('Copy it immediately and store it securely.', advice),
    aside('Using the API Key', heading),
    promise('All API requests must include your key in the x-api-key HTTP header.'),
    promise('Requests without this header or with an invalid key will return a 401 Unauthorized response.'),
    promise(
      'curl -X GET https://api.busyboard.co.za/v1/calls -H "x-api-key: sk_live_..." -H "Content-Type: application/json"',
    ),
    promise("const axios = require('axios');"),
    promise("$ch = curl_init('https://api.busyboard.co.za/v1/calls');"),
    promise('import java.net.http.*;'),
    promise('using System.Net.Http;'),
    promise('import ("net/http"; "io/ioutil"; "log")'),
    aside('Key Validity', heading),
    promise('Indefinite: API keys do not expire automatically.'),
    promise('They remain valid as long as they are active in the portal.'),
    promise(
      'Revocation: Keys can be deactivated or deleted instantly from the Developer Portal if they are no longer needed.',
    ),
    promise('Rotation: For high-security environments, we recommend rotating keys every 90 days.'),
    aside('Security Best Practices', heading),
    aside(
      'Server-Side Only: Never embed API keys in client-side code (HTML, JS in browsers, or Mobile Apps).',
      advice,
    ),
    aside(
      'Environment Variables: Store keys in .env files or secure vault services like AWS Secrets Manager.',
      advice,
    ),
    promise('Scope Limitation: Only grant the minimum required permissions for each specific integration.'),
    aside('HTTP Status Codes', heading),
    aside('Code | Title | Description', 'the head of a table'),
    promise('200 | OK | Request successful.'),
    promise('201 | Created | Resource created successfully.'),
    promise('401 | Unauthorized | Invalid or missing API Key.'),
    promise('403 | Forbidden | Key does not have required scopes.'),
    promise('429 | Too Many Requests | Rate limit exceeded.'),
    aside('Error Responses', heading),
    promise('In case of an error, the API returns a standard JSON response:'),
    promise('{ "success": false, "message": "Invalid API Key provided", "data": null, "statusCode": 401 }'),
  ],
}
