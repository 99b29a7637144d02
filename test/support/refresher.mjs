// A process of an app: asks for the access token four times at once, when it is told to. See test/client/oauth.test.ts.
// Its standard input has the options as JSON in the first line, then "go".
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { OAuthClient } from '../../src/client/entry.ts'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { folder, tokenFiles, ...options } = JSON.parse((await lines.next()).value)
const { fileLock, fileStore } = await import(pathToFileURL(tokenFiles).href)
const oauth = new OAuthClient({ ...options, store: fileStore(folder), lock: fileLock(folder) })
console.log('ready')
await lines.next()
const tokens = await Promise.all(Array.from({ length: 4 }, () => oauth.accessToken()))
console.log(JSON.stringify(tokens))
process.exit()
