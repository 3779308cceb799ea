/**
 * The smallest HTTP/1.1 replica: answers whatever it is asked, when it has read it, with a few bytes. `--port 8080`.
 */
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { port: { type: 'string' } } })
const server = createServer((request, response) => {
  request.resume().on('end', () => response.end('an answer of some bytes\n'))
  request.on('error', () => response.destroy())
})
server.listen(Number(values.port), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
