import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { Cancel } from '../../core/cancellation.ts'
import { SystemClock } from '../../core/clock.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import { tcpProbe } from './tcp-probe.ts'

let server: Server | undefined

afterEach(() => void server?.close())

async function somewhere(): Promise<{ host: string; port: number }> {
  server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  return { host: '127.0.0.1', port: typeof bound === 'object' && bound !== null ? bound.port : 0 }
}

it('says yes where something listens, and leaves no connection behind', async () => {
  const address = await somewhere()
  const probe = tcpProbe(new SystemClock(), 5_000)
  expect(await probe(address, new Cancel())).toBe(true)
  const closed = once(server!, 'close')
  server!.close()
  await closed
  expect(await probe(address, new Cancel())).toBe(false)
})

it('says no for a name that is none, after its time, and when it is told to stop', async () => {
  const clock = new ManualClock()
  expect(await tcpProbe(clock, 0)({ host: 'name.invalid', port: 1 }, new Cancel())).toBe(false)
  // TEST-NET-1 (RFC 5737): nothing answers there, if the packet leaves at all.
  const nowhere = { host: '192.0.2.1', port: 9 }
  const late = tcpProbe(clock, 5_000)(nowhere, new Cancel())
  await clock.advance(5_000)
  expect(await late).toBe(false)
  const stop = new Cancel()
  const stopped = tcpProbe(clock, 0)(nowhere, stop)
  stop.abort(new Error('enough'))
  expect(await stopped).toBe(false)
  expect(await tcpProbe(clock, 0)(await somewhere(), stop)).toBe(false)
  const signal = new AbortController().signal
  expect(await tcpProbe(clock, 1_000)(await somewhere(), signal)).toBe(true)
})
