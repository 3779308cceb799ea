/** A byte pipe: each client has a connection of its own to the upstream. */
import { connect, createServer, type Socket } from 'node:net'
import { z } from 'zod'
import { answerBenchmark, optionsOfScript } from '../child.ts'

const { port, upstreamPort } = z.object({ port: z.int(), upstreamPort: z.int() }).parse(optionsOfScript())

function pass(from: Socket, to: Socket): void {
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end()).on('error', () => to.destroy())
}

const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port: upstreamPort, host: '127.0.0.1', noDelay: true })
  pass(client, upstream)
  pass(upstream, client)
})
server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () => answerBenchmark({ port }))
