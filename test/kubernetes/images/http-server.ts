import { createServer } from 'node:http'
import { SystemClock } from '../../../src/core/clock.ts'

/**
 * A small container for tests. Answers every path with its pod's name; `/healthz` says 200 once `READY_AFTER_MS` have
 * passed. On SIGTERM it goes on for `STOP_AFTER_MS` and then exits with 0.
 */
const clock = new SystemClock()
const readyAtMs = clock.now() + Number(process.env['READY_AFTER_MS'] ?? 0)

const server = createServer((request, response) => {
  const isReady = clock.now() >= readyAtMs
  response.writeHead(request.url === '/healthz' && !isReady ? 503 : 200, { 'content-type': 'text/plain' })
  response.end(`${process.env['HOSTNAME'] ?? ''}\n`)
})
server.listen(Number(process.env['PORT'] ?? 8080))

process.once('SIGTERM', () => {
  clock.after(Number(process.env['STOP_AFTER_MS'] ?? 0), () => process.exit(0))
})
