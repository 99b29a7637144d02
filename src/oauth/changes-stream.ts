// GET /verify/changes: one long answer, a JSON object on each line, that tells a resource server of each credential that
// has ended or is another than it was, by its hash; and of which moment it has told everything. With it an answer of
// verification may be kept without growing old (docs/resource-servers.md has the protocol).
import type { ServerResponse } from 'node:http'
import type { ResourceServerId } from '../core/ids.ts'
import type { Profile } from '../core/profile.ts'
import type { Change, Changes } from '../db/changes.ts'
import { bytesOf } from '../lib/digest.ts'
import type { FrontAnswer, FrontRequest } from '../web/front.ts'
import { readPresented } from './resource-server-auth.ts'
import { answerRefusal, type DoorParts, letIn, Refusal } from './resource-server-door.ts'

export interface ChangesStreamParts extends DoorParts {
  readonly changes: Pick<Changes, 'isFresh' | 'asOf' | 'onChange'>
  readonly profile: Profile
  /** True once the server has been told to stop: then it waits for nobody who listens. */
  readonly isStopping: () => boolean
}

export interface ChangesStream {
  answer(request: FrontRequest): Promise<FrontAnswer>
  close(): void
}

export const changesPath = '/verify/changes'

const tellEveryMs = 250
/** Who does not read is cut when so much waits for it, in bytes. */
const mostWaiting = 1024 * 1024
/** In one process. */
const mostStreams = 1000
/** Of one resource server: one for each of its processes, and another while the one takes the other's place. */
const mostOfOne = 128

interface Stream {
  readonly res: ServerResponse
  readonly of: ResourceServerId
  /** Whether it is still who it said it was. */
  readonly isKnown: () => Promise<boolean>
}

export function changesStream(parts: ChangesStreamParts): ChangesStream {
  const { changes, profile, log, resourceServers } = parts
  const streams = new Set<Stream>()

  const write = ({ res }: Stream, line: string) => {
    if (res.writableLength > mostWaiting) res.destroy()
    else res.write(line)
  }
  const tellAll = (line: object) => {
    const text = lineOf(line)
    for (const stream of streams) write(stream, text)
  }
  const endStranger = async (stream: Stream) => {
    try {
      if (!(await stream.isKnown())) stream.res.end()
    } catch (err) {
      // Nobody can be told from a stranger now. It comes again when it is answered.
      log.warn({ err }, 'a stream of changes was cut: whose it is can not be told')
      stream.res.end()
    }
  }
  const hear = (change: Change) => {
    if (change.kind === 'credentials') {
      tellAll({
        kind: 'changed',
        hashes: change.hashes.map((hash) => bytesOf(hash).toString('base64url')),
      })
      return
    }
    if (change.kind === 'gap') tellAll({ kind: 'reset' })
    for (const stream of streams) void endStranger(stream)
  }
  const stopHearing = changes.onChange(hear)
  const tick = () => {
    if (parts.isStopping()) for (const { res } of streams) res.end()
    else if (changes.isFresh()) tellAll({ kind: 'as_of', as_of: changes.asOf() })
  }
  const timer = setInterval(tick, tellEveryMs).unref()

  const open = async ({ req, res, id, line }: FrontRequest): Promise<void> => {
    if (req.method !== 'GET') {
      throw new Refusal(405, 'invalid_request', 'changes are asked for by GET', ['Allow', 'GET'])
    }
    const { id: of } = await letIn(parts, req, null, 'verification')
    line.add('resource_server', of)
    const ofOne = [...streams].filter((stream) => stream.of === of).length
    if (streams.size >= mostStreams || ofOne >= mostOfOne) {
      const wait = ['Retry-After', '5']
      throw new Refusal(503, 'temporarily_unavailable', 'too many streams are open', wait)
    }
    const presented = readPresented(req, null)
    const isKnown = async () => (await resourceServers.authenticate(presented)) !== null
    const stream: Stream = { res, of, isKnown }
    res.writeHead(200, [
      ...[profile.headers.requestId, id],
      ...['Content-Type', 'application/x-ndjson'],
      ...['Cache-Control', 'no-store'],
      // nginx would keep the lines until they are many.
      ...['X-Accel-Buffering', 'no'],
    ])
    res.on('error', () => {})
    res.on('close', () => streams.delete(stream))
    // From here on it hears everything; and what the clock says now is after the request was sent, which is all that
    // its reader can know of our clock.
    streams.add(stream)
    write(stream, lineOf({ kind: 'hello', now: performance.now(), credentials: rulesOf(profile) }))
    if (changes.isFresh()) write(stream, lineOf({ kind: 'as_of', as_of: changes.asOf() }))
    // Between its being let in and its hearing it may have been deleted.
    await endStranger(stream)
  }

  return {
    answer: async (request) => {
      try {
        await open(request)
        return { status: 200, headers: [], body: '', isOwn: true }
      } catch (thrown) {
        return answerRefusal(request, parts, thrown)
      }
    },
    close: () => {
      clearInterval(timer)
      stopHearing()
      for (const { res } of streams) res.end()
    },
  }
}

const lineOf = (line: object) => `${JSON.stringify(line)}\n`

/** How requests carry credentials here: whoever checks them elsewhere reads them in the same way. */
function rulesOf({ credentials, oauth }: Profile): object {
  return {
    header: credentials.header,
    takes_bearers: oauth.enabled,
    refused_query_parameters: credentials.refusedQueryParameters,
  }
}
