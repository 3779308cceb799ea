import { describe, expect, it } from 'vitest'
import { RedisServer } from '../support/redis.ts'
import {
  BERT,
  Buses,
  connection,
  HearingController,
  IdleGateway,
  IRIS,
  listeningLog,
  reportOf,
} from './redis-world.ts'

const live = new AbortController().signal
const LOST = 'no connection to Redis: gateways and the controller do not hear each other until it is back'

describe('the bus over a Redis that is away', () => {
  it('from the start lets nothing go, and works once it is there', async () => {
    await using server = await RedisServer.start()
    await server.kill()
    const { log, said } = listeningLog()
    await using buses = new Buses({ url: server.url, log })
    const bus = await buses.begin('pilotlight-0')
    const [gateway, controller] = [new IdleGateway(), new HearingController()]
    using _gateway = bus.joinGateway(gateway)
    using _controller = bus.joinController(controller)

    await said.until((all) => all.includes(LOST))
    expect(await bus.letGo(IRIS, live)).toBe(false)
    expect(await bus.load(['ml/iris-1'], live)).toBeUndefined()
    bus.report([reportOf(IRIS)])
    expect([bus.isConnected, bus.heardAtMs]).toEqual([false, undefined])
    // The report and the `keep`.
    expect(bus.counts).toEqual({ sent: 0, dropped: 2, received: 0, malformed: 0 })

    await server.start()
    await connection(bus, true)
    expect(await bus.letGo(IRIS, live)).toBe(true)
    bus.report([reportOf(BERT)])
    await controller.reports.until((all) => all.length > 0)
    expect(controller.reports.all).toEqual([reportOf(BERT)])
    expect(bus.heardAtMs).toBeGreaterThan(0)
    expect(said.all).toEqual([LOST, 'connected to Redis'])
  })

  it('says wake-ups, but no reports, when it is there', async () => {
    await using server = await RedisServer.start()
    await using buses = new Buses({ url: server.url })
    const controller = new HearingController()
    const listening = await buses.open('controller-0')
    using _controller = listening.joinController(controller)
    await listening.settled()

    const bus = await buses.begin('gateway-0')
    bus.report([reportOf(IRIS)])
    for (const revision of [IRIS, BERT, IRIS]) bus.wake(revision)
    expect(bus.isConnected).toBe(false)
    await controller.wakes.until((all) => all.length === 2)
    await bus.settled()
    await listening.settled()
    expect(controller.wakes.all).toEqual([IRIS, BERT])
    expect(controller.reports.all).toEqual([])
    expect(bus.counts).toMatchObject({ sent: 2, dropped: 1 })
  })

  it('keeps what was let go when it is killed, and goes on when it is back', async () => {
    await using server = await RedisServer.start()
    const { log, said } = listeningLog()
    await using buses = new Buses({ url: server.url })
    const gateways = await buses.open('gateway-0', { log })
    const leader = await buses.open('controller-0')
    const [gateway, controller] = [new IdleGateway(), new HearingController()]
    using _gateway = gateways.joinGateway(gateway)
    using _controller = leader.joinController(controller)
    await gateways.settled()
    expect(await leader.letGo(IRIS, live)).toBe(true)

    await server.kill()
    await gateway.kept.until((all) => all.length > 0)
    expect(gateway.kept.all).toEqual([IRIS])
    await Promise.all([connection(gateways, false), connection(leader, false)])
    for (const revision of [IRIS, BERT]) expect(await leader.letGo(revision, live)).toBe(false)

    await server.start()
    await Promise.all([connection(gateways, true), connection(leader, true)])
    await gateways.settled()
    expect(await leader.letGo(BERT, live)).toBe(true)
    expect(gateway.asked.all).toEqual([IRIS, BERT])
    gateways.wake(IRIS)
    await controller.wakes.until((all) => all.includes(IRIS))
    expect(said.all).toEqual(['connected to Redis', LOST, 'connected to Redis'])
  })

  it('gives up a question at once when it is killed', async () => {
    await using server = await RedisServer.start()
    await using buses = new Buses({ url: server.url, askTimeoutMs: 600_000 })
    const leader = await buses.open('controller-0', { members: () => ['silent'] })
    const question = leader.letGo(IRIS, live)
    await leader.settled()
    await server.kill()
    expect(await question).toBe(false)
  })

  it('takes a Redis that hangs for one that is away, until it answers again', async () => {
    await using server = await RedisServer.start()
    const { log, said } = listeningLog()
    await using buses = new Buses({ url: server.url, askTimeoutMs: 50 })
    const gateways = await buses.open('gateway-0', { log })
    const leader = await buses.open('controller-0')
    const gateway = new IdleGateway()
    using _gateway = gateways.joinGateway(gateway)
    await gateways.settled()

    server.freeze()
    expect(await leader.letGo(IRIS, live)).toBe(false)
    expect(await leader.load(['ml/iris-1'], live)).toBeUndefined()
    // Far more than Redis would take in one go: what goes beyond the bound is dropped in this same turn.
    const many = Array.from({ length: 200 }, () => reportOf(IRIS))
    for (let nth = 0; nth < 500; nth += 1) gateways.report(many)
    expect(gateways.counts.dropped).toBeGreaterThan(0)
    await Promise.all([connection(gateways, false), connection(leader, false)])

    server.thaw()
    await Promise.all([connection(gateways, true), connection(leader, true)])
    await gateways.settled()
    expect(await leader.letGo(BERT, live)).toBe(true)
    // All 500 were said to nobody, or not at all.
    expect(gateways.counts.dropped).toBe(500)
    expect(said.all).toEqual(['connected to Redis', LOST, 'connected to Redis'])
  }, 20_000)

  it('closes at any time', async () => {
    const server = await RedisServer.start()
    await using buses = new Buses({ url: server.url })
    const never = await buses.begin('gateway-0')
    await never.close()
    const frozen = await buses.open('gateway-1')
    using _gateway = frozen.joinGateway(new IdleGateway())
    server.freeze()
    await frozen.close()
    server.thaw()
    const lost = await buses.open('gateway-2')
    await server[Symbol.asyncDispose]()
    await connection(lost, false)
    await lost.close()
    await lost.close()
    expect(await lost.letGo(IRIS, live)).toBe(false)
  })
})
