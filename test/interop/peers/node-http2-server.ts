/**
 * Node's own HTTP/2 server as it comes, `--port` without TLS and `--tls-port` with it: what h2spec says of it is what
 * it can say at best of a gateway that is built on it.
 */
import { readFileSync } from 'node:fs'
import {
  createSecureServer,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    'tls-port': { type: 'string' },
    cert: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
  },
})
// Without a limit of streams h2spec leaves out the test of that limit.
const settings = { maxConcurrentStreams: 100 }

function answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
  request.resume().on('end', () => response.end('an answer of some bytes\n'))
  request.on('error', () => {})
  response.on('error', () => {})
}

const plain = createServer({ settings }, answer)
const secure = createSecureServer(
  { settings, cert: readFileSync(values.cert), key: readFileSync(values.key) },
  answer,
)
for (const server of [plain, secure]) server.on('sessionError', () => {})
plain.listen(Number(values.port), '127.0.0.1')
secure.listen(Number(values['tls-port']), '127.0.0.1')
