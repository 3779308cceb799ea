/**
 * A server to be stopped by SIGSTOP: its kernel goes on taking connections until its short backlog is full, and bytes
 * until its buffers are, and nothing ever answers; as a machine does that hangs. Tells its parent its port.
 */
import { createServer } from 'node:net'

const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer'))
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  const bound = server.address()
  if (typeof bound === 'object' && bound !== null) process.send?.(bound.port)
})
process.on('disconnect', () => process.exit())
