import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { Address } from '../../src/core/replica.ts'
import { GET, postOf, startWorld } from './world.ts'
import { eventually } from './wire.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

/** A replica whose process can be stopped in the middle of anything. */
async function frozenReplica(): Promise<{ address: Address; child: ChildProcess }> {
  const child = fork(fileURLToPath(new URL('frozen-server.ts', import.meta.url)), { execArgv: [] })
  ends.push(async () => {
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  })
  const [port]: unknown[] = await once(child, 'message')
  return { address: { host: '127.0.0.1', port: Number(port) }, child }
}

/** Connects until the kernel takes no more connections for the stopped process. */
async function fillBacklog({ port }: Address): Promise<void> {
  const fillers: Socket[] = []
  ends.push(() => fillers.forEach((socket) => socket.destroy()))
  for (let at = 0; at < 8; at++) fillers.push(connect(port, '127.0.0.1').on('error', () => {}))
  await eventually('some wait', () => fillers.some(({ connecting }) => connecting))
  // What can connect does so within some turns.
  for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(fillers.some(({ connecting }) => connecting)).toBe(true)
}

describe('a replica whose machine hangs', () => {
  it('before it takes the connection is a 502 after connectTimeoutMs', async () => {
    const world = await startWorld({ replicas: 0, config: { connectTimeoutMs: 3_000 } })
    const { address, child } = await frozenReplica()
    child.kill('SIGSTOP')
    await fillBacklog(address)
    world.ready(address)
    const client = await world.asking(`${postOf(5)}hello`)
    await eventually('it has its permit', () => world.queue.inFlight === 1)
    await world.clock.advance(2_800)
    expect(client.text).toBe('')
    await world.clock.advance(500)
    expect(await client.until(/\}$/)).toContain('UPSTREAM_UNREACHABLE')
    await world.idle()
  })

  it('before it takes the connection is not noticed where another replica is', async () => {
    const world = await startWorld({ config: { connectTimeoutMs: 3_000, retriesMax: 1 } })
    const { address, child } = await frozenReplica()
    child.kill('SIGSTOP')
    await fillBacklog(address)
    void world.replica.answerAll('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer')
    world.ready(address)
    const client = await world.asking(GET)
    await eventually('it has its permit', () => world.queue.inFlight === 1)
    world.ready(address, world.replica.address)
    await world.clock.advance(3_500)
    expect(await client.until('answer')).toContain('HTTP/1.1 200 OK')
    expect(world.retries).toBe(1)
  })

  it('after an answer is a 504 for the next request on that connection', async () => {
    const world = await startWorld({ replicas: 0, limits: { responseStartTimeoutMs: 5_000 } })
    const { address, child } = await frozenReplica()
    world.ready(address)
    const client = await world.asking(GET)
    await client.until('answer')
    await world.idle()
    child.kill('SIGSTOP')
    client.write(GET)
    await eventually('it has its permit', () => world.queue.inFlight === 1)
    await world.clock.advance(5_200)
    expect(await client.until('RESPONSE_START_TIMEOUT')).toContain('HTTP/1.1 504 ')
    await world.idle()
  })
})
