import { once } from 'node:events'
import { Agent, createServer, request, type Server } from 'node:http'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { listening } from '../../../test/support/gateway-harness.ts'
import { revisionOf } from '../../../test/support/revisions.ts'
import { MemoryBus } from '../../bus/index.ts'
import { SystemClock } from '../../core/clock.ts'
import { readConfig } from '../../core/config.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import type { Address, Replica } from '../../core/replica.ts'
import type { Report } from '../../core/report.ts'
import { silentLog } from '../../core/telemetry.ts'
import type { PublishedTables } from '../../gateway/index.ts'
import { ThreadsDataPlane } from './threads.ts'

const REVISION = 'ml/iris-predictor-00001'
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

/** A replica that keeps each request until it is told, and counts how many it has at once. */
async function replica(): Promise<{
  address: Address
  most: () => number
  answerAll: () => void
  arrived: () => Promise<void>
}> {
  let most = 0
  let isOpen = false
  const held: (() => void)[] = []
  let onArrival: (() => void)[] = []
  const server: Server = createServer((_request, response) => {
    held.push(() => response.end('ok'))
    most = Math.max(most, held.length)
    for (const tell of onArrival.splice(0)) tell()
    if (isOpen) setImmediate(() => held.shift()?.())
  })
  const address = await listening(server)
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    address,
    most: () => most,
    answerAll: () => {
      isOpen = true
      for (const answer of held.splice(0)) answer()
    },
    arrived: () => (held.length > 0 ? Promise.resolve() : new Promise((resolve) => onArrival.push(resolve))),
  }
}

function tablesOf(addresses: readonly Address[], containerConcurrency: number): PublishedTables {
  const revision = revisionOf(REVISION)
  const { template } = revision
  const replicas = addresses.map((address, nth): Replica => ({
    name: `${REVISION}-${nth}`,
    revision: REVISION,
    phase: 'ready',
    sinceMs: 0,
    createdAtMs: 0,
    restarts: 0,
    address,
  }))
  return {
    routes: [
      {
        name: 'ml/iris',
        service: 'ml/iris',
        component: 'predictor',
        hosts: ['iris'],
        pathPrefixes: [],
        match: 'all',
        split: [{ revision: REVISION, percent: 100 }],
      },
    ],
    revisions: [
      { ...revision, template: { ...template, limits: { ...template.limits, containerConcurrency } } },
    ],
    replicas,
  }
}

async function planeOf(workers: number) {
  const clock = new ManualClock(0)
  const threads: Worker[] = []
  const reports: Report[] = []
  const woken: string[] = []
  let onWake: (() => void) | undefined
  let failing: string | undefined
  const plane = await ThreadsDataPlane.open({
    config: readConfig({ gateway: { port: 0, workers } }),
    clock,
    log: silentLog,
    logging: { level: 'error', pretty: false, colour: false },
    bus: {
      report: (said) => void reports.push(...said),
      wake: (revision) => {
        woken.push(revision)
        onWake?.()
      },
    },
    start: (script, workerData) => {
      const worker =
        failing === undefined ? new Worker(script, { workerData }) : new Worker(failing, { eval: true })
      threads.push(worker)
      return worker
    },
  })
  ends.push(() => plane.close())
  const wake = (): Promise<void> =>
    woken.length > 0 ? Promise.resolve() : new Promise((resolve) => (onWake = resolve))
  /** From now on threads run this instead. */
  const fail = (script: string | undefined): void => void (failing = script)
  return { plane, clock, threads, reports, wake, fail }
}

/** Two processes, each of two threads, that divide the slots of replicas. */
async function dividedPlanes(): Promise<readonly ThreadsDataPlane[]> {
  const bus = new MemoryBus()
  const names = ['gateway-a', 'gateway-b']
  const planes = await Promise.all(
    names.map((name) =>
      ThreadsDataPlane.open({
        config: readConfig({ gateway: { port: 0, workers: 2 } }),
        clock: new SystemClock(),
        log: silentLog,
        logging: { level: 'error', pretty: false, colour: false },
        bus,
        sharing: { name, tell: (to, message) => bus.tell(to, message) },
      }),
    ),
  )
  for (const plane of planes) {
    const joined = bus.joinGateway(plane.member)
    ends.push(() => plane.close())
    ends.push(() => joined[Symbol.dispose]())
    plane.divide(names)
  }
  return planes
}

/** One request on a connection of its own. */
function ask(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { port, headers: { host: 'iris' }, agent: new Agent({ keepAlive: false }) },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    asked.on('error', reject).end()
  })
}

describe('threads', () => {
  it('keep a hard limit together, and answer all who wait', async () => {
    const { plane } = await planeOf(3)
    const [one, other] = [await replica(), await replica()]
    plane.publish(tablesOf([one.address, other.address], 1))
    const answers = Array.from({ length: 60 }, () => ask(plane.bound.port))
    await Promise.all([one.arrived(), other.arrived()])
    expect(plane.member.letGo(REVISION)).toBe(false)
    one.answerAll()
    other.answerAll()
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
    expect([one.most(), other.most()]).toEqual([1, 1])
  })

  it('keep a hard limit with another process, and lend it what is free', async () => {
    const planes = await dividedPlanes()
    const one = await replica()
    for (const plane of planes) plane.publish(tablesOf([one.address], 1))
    for (const plane of planes) {
      // At one process alone: each has its turn to be the one without a slot.
      const answers = Array.from({ length: 30 }, () => ask(plane.bound.port))
      await one.arrived()
      one.answerAll()
      expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
    }
    const answers = Array.from({ length: 60 }, (_, nth) => ask(planes[nth % 2]!.bound.port))
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
    expect(one.most()).toBe(1)
  })

  it('hold what comes for a sleeping revision, wake it, and let go of it together', async () => {
    const { plane, wake } = await planeOf(2)
    plane.publish(tablesOf([], 0))
    const answers = Array.from({ length: 20 }, () => ask(plane.bound.port))
    await wake()
    const one = await replica()
    plane.publish(tablesOf([one.address], 0))
    await one.arrived()
    one.answerAll()
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
    await plane.drained(`${REVISION}-0`, new AbortController().signal)
    expect(plane.inFlight(`${REVISION}-0`)).toBe(0)
    expect(plane.member.letGo(REVISION)).toBe(true)
    plane.member.keep(REVISION)
    expect(await ask(plane.bound.port)).toBe(200)
  })

  it('are replaced when one dies, and what it held is free again', async () => {
    const { plane, clock, threads } = await planeOf(1)
    const one = await replica()
    plane.publish(tablesOf([one.address], 1))
    const lost = ask(plane.bound.port).catch(() => 'lost')
    await one.arrived()
    expect(plane.inFlight(`${REVISION}-0`)).toBe(1)
    await Promise.all([once(threads[0]!, 'exit'), threads[0]!.terminate()])
    expect(await lost).toBe('lost')
    expect(plane.inFlight(`${REVISION}-0`)).toBe(0)
    await clock.advance(500)
    while (plane.size === 0) await new Promise((resolve) => setImmediate(resolve))
    await once(threads[1]!, 'message')
    one.answerAll()
    expect(await ask(plane.bound.port)).toBe(200)
  })

  it('are tried again one by one when one cannot start', async () => {
    const { plane, clock, threads, fail } = await planeOf(1)
    fail(
      "require('node:worker_threads').parentPort.postMessage({ kind: 'failed', message: 'no', isConfig: false })",
    )
    await Promise.all([once(threads[0]!, 'exit'), threads[0]!.terminate()])
    for (let tried = 1; tried <= 6; tried++) {
      await clock.advance(500)
      // Each that failed is ended, so that there is a number for the next: there are fewer than tries.
      while (threads.length <= tried) await new Promise((resolve) => setImmediate(resolve))
      await once(threads[tried]!, 'exit')
      while (plane.size > 0) await new Promise((resolve) => setImmediate(resolve))
      expect(threads.length).toBe(tried + 1)
    }
    fail('process.exit(1)')
    await clock.advance(500)
    while (threads.length < 8) await new Promise((resolve) => setImmediate(resolve))
    await once(threads[7]!, 'exit')
    fail(undefined)
    await clock.advance(500)
    while (plane.size === 0) await new Promise((resolve) => setImmediate(resolve))
    await once(threads[8]!, 'message')
    await clock.advance(5_000)
    expect([threads.length, plane.size]).toEqual([9, 1])
  })

  it('count together, and finish what runs when they drain', async () => {
    const { plane } = await planeOf(2)
    const one = await replica()
    plane.publish(tablesOf([one.address], 0))
    const answers = Array.from({ length: 10 }, () => ask(plane.bound.port))
    await one.arrived()
    const drained = plane.drain(new AbortController().signal)
    one.answerAll()
    const statuses = await Promise.all(answers.map((answer) => answer.catch(() => 0)))
    expect(statuses).toContain(200)
    await drained
    await expect(ask(plane.bound.port)).rejects.toThrow('ECONNREFUSED')
  })

  it('name the port that is in use', async () => {
    const { address } = await replica()
    const opening = ThreadsDataPlane.open({
      config: readConfig({ gateway: { port: address.port, workers: 2 } }),
      clock: new ManualClock(0),
      log: silentLog,
      logging: { level: 'error', pretty: false, colour: false },
      bus: { report() {}, wake() {} },
    })
    await expect(opening).rejects.toThrow(
      `gateway: cannot listen on host 127.0.0.1, port ${address.port}: the port is in use`,
    )
  })
})
