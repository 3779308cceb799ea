import { createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { dial } from '../../../test/faults/wire.ts'
import { ends, listening } from '../../../test/support/gateway-harness.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { ClientWatch } from './client-watch.ts'

const PROBES = 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2)

it('asks a client that takes nothing at first before its answer begins, never in its middle', async () => {
  const taken = Promise.withResolvers<Socket>()
  const server = createServer((socket) => taken.resolve(socket))
  const { port } = await listening(server)
  ends.push(() => void server.close())
  const client = await dial(port)
  client.socket.pause()
  const socket = await taken.promise
  ends.push(
    () => void socket.destroy(),
    () => client.vanish(),
  )
  const watch = new ClientWatch(
    socket,
    { isUnseen: true, onTime() {} },
    {
      wheel: new TimerWheel(new ManualClock()),
      bounds: { bodyIdleTimeoutMs: 0, bodyBytesPerSecondMin: 0 },
    },
  )
  // Answers before have filled all that the kernel takes, which a write that waits tells.
  while (socket.writableLength === 0) {
    socket.write('-'.repeat(65_536))
    await new Promise((resolve) => setImmediate(resolve))
  }
  watch.probe()
  socket.write('head')
  client.socket.resume()
  await client.until('head')
  socket.write('body')
  await client.until('body')
  expect(client.text.replace(/^-+/, '')).toBe(`${PROBES}headbody`)
})
