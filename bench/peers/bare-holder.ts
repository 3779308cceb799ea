/**
 * What holding costs at least in Node: sockets that are accepted and never answered, or streams of node:http2 likewise.
 */
import { createServer as createHttp2Server } from 'node:http2'
import { createServer } from 'node:net'
import { z } from 'zod'
import { answerBenchmark, collectGarbage, listenAnywhere, optionsOfScript, type Numbers } from '../child.ts'

const { version } = z.object({ version: z.enum(['http/1.1', 'h2c']) }).parse(optionsOfScript())
const question = z.object({ ask: z.enum(['waiting', 'collect']) })

const held = new Set<object>()

function sockets() {
  return createServer({ noDelay: true }, (socket) => {
    socket.on('data', () => held.add(socket))
    socket.on('error', () => socket.destroy()).on('close', () => held.delete(socket))
  })
}

function streams() {
  const server = createHttp2Server({ settings: { maxConcurrentStreams: 1_000 } })
  server.on('stream', (stream) => {
    held.add(stream)
    stream.on('error', () => stream.destroy()).on('close', () => held.delete(stream))
  })
  return server
}

const port = await listenAnywhere(version === 'h2c' ? streams() : sockets())
answerBenchmark({ port }, (said): Numbers => {
  return question.parse(said).ask === 'collect' ? collectGarbage() : { waiting: held.size }
})
