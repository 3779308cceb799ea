import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, it } from 'vitest'
import { listening } from '../support/gateway-harness.ts'
import type { Order, Tally } from './idle-clients.ts'
import { GET, openSockets, startWorld } from './world.ts'
import { eventually } from './wire.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

class IdleClients {
  readonly #child: ChildProcess
  tally: Tally = { answered: 0, ended: 0, reset: 0 }

  constructor() {
    this.#child = fork(fileURLToPath(new URL('idle-clients.ts', import.meta.url)), { execArgv: [] })
    this.#child.on('message', (tally: Tally) => (this.tally = tally))
    ends.push(async () => {
      const exit = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await exit
    })
  }

  async open(order: Order): Promise<void> {
    const wanted = this.tally.answered + order.count
    this.#child.send(order)
    await this.until(({ answered }) => answered === wanted)
  }

  async until(holds: (tally: Tally) => boolean): Promise<void> {
    while (!holds(this.tally)) await once(this.#child, 'message')
  }
}

const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('this Node has no gc()')
  return () => void Reflect.apply(collect, undefined, [])
})()

it('keeps 10,000 idle connections, each for its time, in little memory, and then lets all of them go', async () => {
  const HALF = 5_000
  const world = await startWorld({ replicas: 0, config: { keepAliveTimeoutMs: 60_000 } })
  const replica = createServer((_request, response) => response.end('answer'))
  world.ready(await listening(replica))
  ends.push(() => {
    replica.closeAllConnections()
    replica.close()
  })
  const clients = new IdleClients()
  const order: Order = { port: world.port, count: HALF, request: GET, answerEnd: 'answer' }

  // What only the first requests cost (compiled code, the pool) is no cost of a connection.
  await clients.open({ ...order, count: 200 })
  await world.idle()
  collectGarbage()
  const before = { open: world.connections, sockets: openSockets(), memory: process.memoryUsage() }
  expect(before.open).toBe(200)

  await clients.open(order)
  await world.clock.advance(30_000)
  await clients.open(order)
  expect(world.connections).toBe(200 + 2 * HALF)
  collectGarbage()
  const after = process.memoryUsage()
  expect((after.heapUsed - before.memory.heapUsed) / (2 * HALF)).toBeLessThan(6_000)
  expect((after.rss - before.memory.rss) / (2 * HALF)).toBeLessThan(16_000)

  await world.clock.advance(29_500)
  expect(clients.tally.ended).toBe(0)
  await world.clock.advance(700)
  await clients.until(({ ended }) => ended === 200 + HALF)
  await eventually('the first half has gone', () => world.connections === HALF)
  await world.clock.advance(29_000)
  expect(clients.tally.ended).toBe(200 + HALF)
  await world.clock.advance(1_000)
  await clients.until(({ ended }) => ended === 200 + 2 * HALF)
  expect(clients.tally.reset).toBe(0)
  await eventually('none is left', () => world.connections === 0)
}, 60_000)
