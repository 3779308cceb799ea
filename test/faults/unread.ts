import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import { HOST, startWorld, type World, type WorldOptions } from './world.ts'
import type { Wire } from './wire.ts'

/** Runs the turns in which whatever is on its way between sockets of this process arrives. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A client of the world, and the gateway's end of its connection: how much lies there unsent. */
export async function bothEnds(world: World): Promise<{ client: Wire; server: Socket }> {
  const accepted = Promise.withResolvers<Socket>()
  const take = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('socket' in message)) return
    if (message.socket instanceof Socket && message.socket.localPort === world.port)
      accepted.resolve(message.socket)
  }
  subscribe('net.server.socket', take)
  const client = await world.client()
  const server = await accepted.promise
  unsubscribe('net.server.socket', take)
  return { client, server }
}

const FILLER_BYTES = 30_000
const FILLER = `HTTP/1.1 200 OK\r\nContent-Length: ${FILLER_BYTES}\r\n\r\n${'a'.repeat(FILLER_BYTES)}`
const FILLERS_MAX = 1_000

/**
 * A client that has read none of its answers, so that some bytes lie unsent in the gateway, yet few enough that its last
 * request, with `Connection: close`, is under way.
 */
export async function unreadWorld(options: WorldOptions = {}) {
  const world = await startWorld(options)
  const { client, server } = await bothEnds(world)
  client.socket.pause()
  const ask = (more: string): void => client.write(`GET /x HTTP/1.1\r\nHost: ${HOST}\r\n${more}\r\n`)
  ask('')
  const replica = await world.replica.asked()
  for (let answers = 1; server.writableLength === 0; answers++) {
    if (answers === FILLERS_MAX) throw new Error('the kernel takes all that is sent')
    replica.write(FILLER)
    await world.over(answers)
    // It leaves at the end of the turn.
    await turns(2)
    ask(server.writableLength === 0 ? '' : 'Connection: close\r\n')
    await replica.untilTimes('\r\n\r\n', answers + 1)
  }
  return { world, client, server, replica }
}
