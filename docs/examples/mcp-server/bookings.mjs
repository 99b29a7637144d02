// The MCP server itself: two tools over bookings that each person has of their own (in memory, for the example).
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

/** What each tool takes, beyond a token of this server. */
export const scopesOfTools = { list_bookings: ['read:bookings'], add_booking: ['write:bookings'] }

const bookings = new Map()

export function createBookingsServer() {
  const server = new McpServer({ name: 'bookings', version: '1.0.0' })
  server.registerTool('list_bookings', { description: 'Your bookings, the oldest first.' }, ({ authInfo }) =>
    say(bookings.get(authInfo.extra.person) ?? []),
  )
  server.registerTool(
    'add_booking',
    { description: 'Books a day.', inputSchema: { day: z.iso.date() } },
    ({ day }, { authInfo }) => {
      const { person } = authInfo.extra
      bookings.set(person, [...(bookings.get(person) ?? []), { day }])
      return say({ day })
    },
  )
  return server
}

const say = (value) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] })
