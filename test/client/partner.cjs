// The published code of a partner's backend, as its vendor's pages print it (the page on platform keys): with the
// import and the base URL changed, and what it takes for granted as parameters.
const { BoooplyClient } = require('latchkey/client')

/** "BoooplyClient.createOrganizationApiKey(config, data)" */
async function connectOnce({ baseUrl, db, customerId }) {
  // Called when a customer clicks "Connect Boooply" in your platform
  const result = await BoooplyClient.createOrganizationApiKey(
    {
      baseUrl,
      platformKey: process.env.BOOOPLY_PLATFORM_KEY,
    },
    {
      userId: '12345',
      userEmail: 'admin@acme.com',
      userName: 'Jane Admin',
      organizationId: 'org_7234567890', // your platform's org ID
      organizationName: 'Acme Corporation',
      teamMembers: [
        // optional — import team
        { email: 'bob@acme.com', name: 'Bob', role: 'ADMIN' },
        { email: 'carol@acme.com', name: 'Carol', role: 'MEMBER' },
      ],
    },
  )

  // Store this key — use it for all API calls on behalf of this customer
  const orgApiKey = result.apiKey // 'bply_org_xxxxx'
  await db.saveBoooplyKey(customerId, orgApiKey)
}

/** "Using the org key" */
async function useOrgKey({ baseUrl, customer }) {
  // For each customer, use their stored org key
  const client = new BoooplyClient({
    apiKey: customer.boooplyApiKey, // the key you stored from createOrganizationApiKey()
    baseUrl,
  })

  // Now all operations are scoped to that customer's organization
  const interview = await client.interviews.create({
    type: 'ai',
    jobRole: 'Frontend Engineer',
    candidate: { name: 'Jane', email: 'jane@example.com' },
  })
  return interview
}

/** "Full integration example": routes/integrations.js — your platform's backend */
function addRoutes({ baseUrl, app, db, getCustomer }) {
  // 1. Customer connects Boooply
  app.post('/api/connect-boooply', async (req, res) => {
    const customer = await getCustomer(req.user.orgId)
    const result = await BoooplyClient.createOrganizationApiKey(
      {
        baseUrl,
        platformKey: process.env.BOOOPLY_PLATFORM_KEY,
      },
      {
        userId: req.user.id,
        userEmail: req.user.email,
        userName: req.user.name,
        organizationId: customer.id,
        organizationName: customer.name,
      },
    )
    await db.update('customers', customer.id, { boooplyApiKey: result.apiKey })
    res.json({ success: true, message: 'Boooply connected' })
  })

  // 2. Create interview on behalf of customer
  app.post('/api/interviews', async (req, res) => {
    const customer = await getCustomer(req.user.orgId)
    const client = new BoooplyClient({
      apiKey: customer.boooplyApiKey,
      baseUrl,
    })
    const interview = await client.interviews.create({
      type: 'ai',
      jobRole: req.body.jobRole,
      candidate: req.body.candidate,
      skills: req.body.skills,
    })
    res.json(interview)
  })
}

module.exports = { connectOnce, useOrgKey, addRoutes, BoooplyClient }
