import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RedisBus } from '../../src/bus/index.ts'
import type { RevisionName } from '../../src/core/names.ts'
import { makeCertificates } from '../support/certificates.ts'
import { RedisServer } from '../support/redis.ts'
import { BERT, Buses, HearingController, IdleGateway, IRIS, listeningLog, reportOf } from './redis-world.ts'

const live = new AbortController().signal

describe('processes on one Redis', () => {
  let server: RedisServer
  let stranger: Redis
  let buses: Buses

  beforeAll(async () => {
    server = await RedisServer.start()
    stranger = new Redis(server.url)
  })
  afterAll(async () => {
    stranger.disconnect()
    await server[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    buses = new Buses({ url: server.url })
  })
  afterEach(async () => {
    await buses[Symbol.asyncDispose]()
    await stranger.flushall()
  })

  /** A gateway's process, its member joined and known to Redis. */
  async function gatewayProcess(
    name: string,
  ): Promise<{ readonly bus: RedisBus; readonly gateway: IdleGateway }> {
    const bus = await buses.open(name)
    const gateway = new IdleGateway()
    bus.joinGateway(gateway)
    await bus.settled()
    return { bus, gateway }
  }

  it('keep where a gateway that lives does not answer', async () => {
    const { gateway } = await gatewayProcess('gateway-0')
    const members = (): readonly string[] => ['gateway-0', 'gateway-cut-off']
    const leader = await buses.open('controller-0', { members, askTimeoutMs: 100 })
    expect(await leader.letGo(IRIS, live)).toBe(false)
    await gateway.kept.until((all) => all.length > 0)
    expect([gateway.asked.all, gateway.kept.all]).toEqual([[IRIS], [IRIS]])
    expect(await leader.load(['ml/iris-1'], live)).toBeUndefined()
  })

  it('keep where a gateway that was heard of a moment ago does not answer', async () => {
    await gatewayProcess('gateway-0')
    const leader = await buses.open('controller-0', { askTimeoutMs: 100 })
    expect(await leader.letGo(IRIS, live)).toBe(true)
    const [seconds] = await stranger.time()
    await stranger.zadd('pilotlight:v1:gateways', Number(seconds) * 1_000, 'gateway-frozen#1')
    expect(await leader.letGo(IRIS, live)).toBe(false)
    await stranger.zadd('pilotlight:v1:gateways', (Number(seconds) - 6) * 1_000, 'gateway-frozen#1')
    expect(await leader.letGo(IRIS, live)).toBe(true)
  })

  it('ask a gateway that joined although the API does not list it', async () => {
    const [listed, other] = await Promise.all(['gateway-0', 'elsewhere'].map((name) => gatewayProcess(name)))
    const leader = await buses.open('controller-0', { members: () => ['gateway-0'] })
    expect(await leader.load(['ml/iris-1'], live)).toEqual(new Map([['ml/iris-1', 2]]))
    other!.gateway.isIdle = false
    expect(await leader.letGo(IRIS, live)).toBe(false)
    await listed!.gateway.kept.until((all) => all.includes(IRIS))
    expect(other!.gateway.asked.all).toEqual([IRIS])
  })

  it('wait for both of two gateways with one name', async () => {
    const [before, after] = await Promise.all(['gateway-0', 'gateway-0'].map((name) => gatewayProcess(name)))
    const leader = await buses.open('controller-0', { members: () => ['gateway-0'] })
    expect(await leader.load(['ml/iris-1'], live)).toEqual(new Map([['ml/iris-1', 2]]))
    before!.gateway.isIdle = false
    expect(await leader.letGo(IRIS, live)).toBe(false)
    await after!.gateway.kept.until((all) => all.includes(IRIS))
  })

  it('do not count a gateway that fails to answer', async () => {
    const { log, said } = listeningLog()
    const bus = await buses.open('gateway-0', { log })
    const broken = (): never => {
      throw new Error('broken')
    }
    using _joined = bus.joinGateway({ name: 'broken', letGo: broken, keep: () => {}, inFlight: broken })
    await bus.settled()
    const leader = await buses.open('controller-0', { askTimeoutMs: 100 })
    expect(await leader.letGo(IRIS, live)).toBe(false)
    expect(await leader.load(['ml/iris-1'], live)).toBeUndefined()
    const failed = 'a gateway failed to answer what the controller asked'
    expect(said.all.filter((sentence) => sentence === failed)).toHaveLength(2)
  })

  it('still ask those that the API lists after a FLUSHALL, and the others once they are heard of', async () => {
    const { bus, gateway } = await gatewayProcess('gateway-0')
    const leader = await buses.open('controller-0', { members: () => ['gateway-0'] })
    await stranger.flushall()
    expect(await leader.letGo(IRIS, live)).toBe(true)
    expect(gateway.asked.all).toEqual([IRIS])
    expect(await stranger.zcard('pilotlight:v1:gateways')).toBe(0)
    using _joined = bus.joinGateway(new IdleGateway())
    await bus.settled()
    expect(await stranger.zcard('pilotlight:v1:gateways')).toBe(1)
  })

  it('tell both of two controllers that believe to lead', async () => {
    const { bus } = await gatewayProcess('gateway-0')
    const controllers = [new HearingController(), new HearingController()]
    for (const [nth, controller] of controllers.entries()) {
      const process = await buses.open(`controller-${nth}`)
      process.joinController(controller)
      await process.settled()
    }
    bus.report([reportOf(IRIS)])
    bus.wake(IRIS)
    await Promise.all(controllers.map(({ wakes }) => wakes.until((all) => all.length > 0)))
    for (const { reports, wakes } of controllers) {
      expect([reports.all, wakes.all]).toEqual([[reportOf(IRIS)], [IRIS]])
    }
  })

  it('take it back where the question is called off on the way', async () => {
    const { gateway } = await gatewayProcess('gateway-0')
    const options = { members: () => ['gateway-0', 'silent'], askTimeoutMs: 600_000 }
    const leader = await buses.open('controller-0', options)
    const [letGo, load] = [new AbortController(), new AbortController()]
    const [released, sum] = [leader.letGo(IRIS, letGo.signal), leader.load(['ml/iris-1'], load.signal)]
    await gateway.asked.until((all) => all.includes(IRIS))
    const reason = new Error('no longer the leader')
    load.abort(reason)
    await expect(sum).rejects.toBe(reason)
    letGo.abort(reason)
    await expect(released).rejects.toBe(reason)
    await gateway.kept.until((all) => all.includes(IRIS))
  })

  it('hear nothing of another installation', async () => {
    const controller = new HearingController()
    const theirs = await buses.open('controller-0', { prefix: 'other' })
    using _controller = theirs.joinController(controller)
    const { bus, gateway } = await gatewayProcess('gateway-0')
    await theirs.settled()
    bus.wake(IRIS)
    await bus.settled()
    expect(await theirs.letGo(IRIS, live)).toBe(true)
    expect([controller.wakes.all, gateway.asked.all]).toEqual([[], []])
    // Of the leader's own there is none that hears it.
    expect(bus.counts).toMatchObject({ sent: 0, dropped: 1 })
  })

  it('drop what they cannot understand, and say once what is wrong with it', async () => {
    const { log, said, fields } = listeningLog()
    const controller = new HearingController()
    const bus = await buses.open('pilotlight-0', { log })
    using _controller = bus.joinController(controller)
    const gateway = new IdleGateway()
    using _gateway = bus.joinGateway(gateway)
    await bus.settled()
    await stranger.publish(
      'pilotlight:v1:up',
      '{"reports":[["gw","ml/iris",1,1,1,0,0],["gw","ml/iris",1,-1,1,0,0]]}',
    )
    for (const text of ['', '[]', 'null', '{"wake":7}', '{"wake":"no-namespace"}', '{"reports":{}}'])
      await stranger.publish('pilotlight:v1:up', text)
    for (const text of ['{', '{"keep":""}', '{"from":"x","id":-1,"letGo":"ml/iris"}'])
      await stranger.publish('pilotlight:v1:down', text)
    await stranger.publish('pilotlight:v1:up', JSON.stringify({ wake: BERT, since: 'a later version' }))
    await controller.wakes.until((all) => all.length > 0)
    await bus.settled()
    expect([controller.wakes.all, controller.reports.all, gateway.asked.all, gateway.kept.all]).toEqual([
      [BERT],
      [],
      [],
      [],
    ])
    expect(bus.counts.malformed).toBe(10)
    expect(said.all).toEqual(['connected to Redis', 'a message on Redis cannot be understood and is dropped'])
    expect(fields[1]).toEqual({
      channel: 'pilotlight:v1:up',
      reason: 'reports.1.3: Too small: expected number to be >=0',
      malformed: 1,
    })
  })

  it('carry the reports of 200 revisions from 10 gateways without a loss', async () => {
    const [gateways, seconds, revisions] = [10, 5, 200]
    const controller = new HearingController()
    const leader = await buses.open('controller-0')
    using _controller = leader.joinController(controller)
    await leader.settled()
    const names = Array.from({ length: gateways }, (_, nth) => `gateway-${nth}`)
    const senders = await Promise.all(names.map((name) => buses.open(name)))
    for (let second = 0; second < seconds; second += 1) {
      for (const [nth, sender] of senders.entries()) {
        const of = (revision: number): RevisionName => `ml/iris-${revision}-predictor-00001`
        sender.report(Array.from({ length: revisions }, (_, each) => reportOf(of(each), names[nth], second)))
      }
    }
    await controller.reports.until((all) => all.length === gateways * seconds * revisions)
    await Promise.all(senders.map((sender) => sender.settled()))
    expect(senders.map(({ counts }) => counts)).toEqual(
      names.map(() => ({ sent: seconds, dropped: 0, received: 0, malformed: 0 })),
    )
    expect(leader.counts.received).toBe(gateways * seconds)
    // Of each gateway in the order in which it said them.
    for (const name of names) {
      const own = controller.reports.all.filter(({ gateway }) => gateway === name)
      const order = own.map(({ requests }) => requests)
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    }
  })
})

describe('a Redis with TLS and a password', () => {
  it('is trusted by its CA only, and entered with the password of a file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pilotlight-redis-tls-'))
    try {
      const { ca, server: certificate } = makeCertificates(dir)
      const other = makeCertificates(join(dir, 'other'))
      const passwordFile = join(dir, 'password')
      writeFileSync(passwordFile, 'secret\n')
      await using server = await RedisServer.start({ tls: certificate, password: 'secret' })
      const url = server.url.replace(':secret@', '')
      await using buses = new Buses({ url })
      const bus = await buses.open('gateway-0', { caFile: ca.certFile, passwordFile })
      using _gateway = bus.joinGateway(new IdleGateway())
      expect(await bus.letGo(IRIS, live)).toBe(true)

      for (const wrong of [
        { caFile: other.ca.certFile, passwordFile },
        { caFile: ca.certFile },
        { passwordFile },
      ]) {
        const { log, said } = listeningLog()
        const kept = await buses.begin('gateway-1', { ...wrong, log })
        await said.until((all) => all.length > 0)
        expect(kept.isConnected).toBe(false)
        expect(await kept.letGo(IRIS, live)).toBe(false)
      }
      await expect(buses.begin('gateway-2', { caFile: join(dir, 'none.crt') })).rejects.toThrow(
        /^redis\.caFile: cannot read .*none\.crt$/,
      )
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('does not show the password, be it right or wrong', async () => {
    await using server = await RedisServer.start({ password: 'secret' })
    await using buses = new Buses({ url: server.url })
    const { log, said, fields } = listeningLog()
    await buses.open('gateway-0', { log })
    await buses.begin('gateway-1', { log, url: server.url.replace('secret', 'secret-of-old') })
    await said.until((all) => all.length === 2)
    await server.kill()
    await said.until((all) => all.length === 3)
    expect(JSON.stringify(fields)).toContain('WRONGPASS')
    // Everything that a log could find in them, errors included.
    expect(inspect(fields, { depth: 10 })).not.toContain('secret')
  })
})
