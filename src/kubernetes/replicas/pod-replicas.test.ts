import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { describe, expect, it } from 'vitest'
import { revisionOf } from '../../../test/support/revisions.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import type { RevisionName } from '../../core/names.ts'
import type { Replica } from '../../core/replica.ts'
import type { ReplicaTemplate, Revision } from '../../core/revision.ts'
import { silentLog } from '../../core/telemetry.ts'
import { atMs, condition, container, FakePods, pod, running, terminated, type PodParts } from './fake-pods.ts'
import { PodReplicas } from './pod-replicas.ts'
import type { Pod, PodContainer } from './pod.ts'

const NAME = 'ml/iris-00001-x'

/** The end of this turn of the event loop, and of all that is settled in it. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

class World implements Disposable {
  readonly clock = new ManualClock(atMs(20))
  readonly pods = new FakePods()
  readonly revisions = new Map<RevisionName, Revision>()
  readonly replicas: PodReplicas

  /** @param port where the replicas of ml/iris-00001 listen. */
  constructor(port: number, template: Partial<ReplicaTemplate> = {}, questionsMax?: number) {
    this.know(revisionOf('ml/iris-00001', { ports: [{ containerPort: port }], ...template }))
    this.replicas = new PodReplicas({
      pods: this.pods,
      revisionOf: (name) => this.revisions.get(name),
      clock: this.clock,
      log: silentLog,
      ...(questionsMax === undefined ? {} : { questionsMax }),
    })
  }

  [Symbol.dispose](): void {
    this.replicas[Symbol.dispose]()
  }

  know(revision: Revision): void {
    this.revisions.set(revision.name, revision)
  }

  get(name = NAME): Replica | undefined {
    return this.replicas.ready.value.replicas.find((replica) => replica.name === name)
  }

  /** Lets sockets and clock go on, 1 ms of the clock at a time, until the replica is as wanted. */
  async until(wanted: (replica: Replica | undefined) => boolean, name = NAME): Promise<Replica | undefined> {
    while (!wanted(this.get(name))) await this.clock.advance(1)
    return this.get(name)
  }
}

const isReady = (replica: Replica | undefined): boolean => replica?.phase === 'ready'

async function listening<S extends Server | HttpServer>(server: S, port = 0): Promise<S & AsyncDisposable> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket: { destroy(): void }) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  })
}

function portOf(server: Server | HttpServer): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A pod whose container runs on this machine. */
function up(parts: PodParts & { container?: Partial<PodContainer>; restartCount?: number } = {}): Pod {
  const { container: own, restartCount = 0, status, ...more } = parts
  return pod({
    ...more,
    spec: { containers: [container(own)] },
    status: {
      phase: 'Running',
      podIP: '127.0.0.1',
      containerStatuses: [running(10, { restartCount })],
      ...status,
    },
  })
}

const ready = (status: string) => ({ status: { conditions: [condition('Ready', status)] } })

describe('a pod that may be ready', () => {
  it('is asked by ourselves, and is ready at the first yes', async () => {
    await using server = await listening(createServer())
    using world = new World(portOf(server))
    world.pods.set(up(ready('False')))
    await world.until(isReady)
    expect(world.get()).toMatchObject({
      phase: 'ready',
      address: { host: '127.0.0.1', port: portOf(server) },
      restarts: 0,
    })
    // Within the first pause: nobody waited for a kubelet.
    expect(world.get()!.sinceMs - atMs(20)).toBeLessThan(10)
  })

  it('is asked every 10 ms as long as it says no', async () => {
    const statuses = [503, 503, 200]
    await using server = await listening(
      createHttpServer((_request, response) => response.writeHead(statuses.shift() ?? 500).end()),
    )
    using world = new World(portOf(server), { modelName: 'iris', protocol: 'v2' })
    world.pods.set(up())
    const replica = await world.until(isReady)
    expect(statuses).toEqual([])
    expect(replica!.sinceMs - atMs(20)).toBeGreaterThanOrEqual(20)
  })

  it('is asked by the probe of its container', async () => {
    const paths: (string | undefined)[] = []
    await using server = await listening(
      createHttpServer(({ url }, response) => {
        paths.push(url)
        response.end()
      }),
    )
    const readinessProbe = { httpGet: { path: '/up', port: 'probe' }, successThreshold: 2 }
    const ports = [{ containerPort: 1 }, { name: 'probe', containerPort: portOf(server) }]
    using world = new World(1, { modelName: 'iris', protocol: 'v1', ports, readinessProbe })
    world.pods.set(up({ container: { readinessProbe, ports } }))
    await world.until(isReady)
    expect(paths).toEqual(['/up', '/up'])
  })

  it('is ready when it listens, if it does not know the endpoint of the protocol', async () => {
    const statuses = [503, 404]
    await using server = await listening(
      createHttpServer((_request, response) => response.writeHead(statuses.shift() ?? 500).end()),
    )
    using world = new World(portOf(server), { modelName: 'iris', protocol: 'v2' })
    // What is written on a container whose manifest has no probe.
    const readinessProbe = { tcpSocket: { port: portOf(server) }, periodSeconds: 1 }
    world.pods.set(up({ ...ready('False'), container: { readinessProbe } }))
    await world.until(isReady)
    expect(statuses).toEqual([])
  })

  it('shows what it answers once that takes 5 s', async () => {
    await using server = await listening(
      createHttpServer((_request, response) => response.writeHead(503).end()),
    )
    using world = new World(portOf(server), { modelName: 'iris', protocol: 'v2' })
    world.pods.set(up())
    while (world.get()?.reason === undefined) await world.clock.advance(50)
    expect(world.clock.now() - atMs(20)).toBeGreaterThanOrEqual(5_000)
    expect(world.get()).toMatchObject({
      phase: 'loading',
      reasonCode: 'ProbeFailed',
      reason: 'GET /v2/models/iris/ready: status 503',
    })
  })

  it('is left to its kubelet where only that can ask', async () => {
    let connections = 0
    await using server = await listening(createServer(() => (connections += 1)))
    const readinessProbe = { exec: { command: ['true'] } }
    const own = { container: { readinessProbe } }
    using world = new World(portOf(server), { readinessProbe })
    world.pods.set(up({ ...own, ...ready('False') }))
    await world.clock.advance(2_000)
    expect([world.get()?.phase, connections]).toEqual(['loading', 0])
    world.pods.set(up({ ...own, ...ready('True') }))
    await turn()
    expect([world.get()?.phase, connections]).toEqual(['ready', 0])
  })

  it('is asked again after another start', async () => {
    let status = 200
    await using server = await listening(
      createHttpServer((_request, response) => response.writeHead(status).end()),
    )
    using world = new World(portOf(server), { modelName: 'iris', protocol: 'v2' })
    world.pods.set(up())
    await world.until(isReady)
    world.pods.set(up({ status: { containerStatuses: [terminated({ exitCode: 1 })] } }))
    await turn()
    expect(world.get()?.phase).toBe('failed')
    status = 503
    world.pods.set(up({ restartCount: 1 }))
    await world.clock.advance(100)
    expect(world.get()).toMatchObject({ phase: 'loading', restarts: 1 })
    status = 200
    await world.until(isReady)
  })

  it.each<[string, (world: World) => void]>([
    ['gone', ({ pods }) => pods.delete(NAME)],
    [
      'told to go',
      ({ pods }) => pods.set(up({ metadata: { annotations: { 'pilotlight.dev/draining': 'true' } } })),
    ],
    [
      'started again',
      ({ pods }) => pods.set(up({ status: { containerStatuses: [terminated({ exitCode: 1 })] } })),
    ],
  ])('is not asked any more when it is %s', async (_what, happens) => {
    const asked = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    await using server = await listening(
      createServer((socket) => {
        socket.on('error', () => {})
        // The question itself, not the connect before it; it gets no answer.
        socket.once('data', () => {
          asked.resolve()
          socket.once('close', () => closed.resolve())
        })
      }),
    )
    using world = new World(portOf(server), { modelName: 'iris', protocol: 'v2' })
    world.pods.set(up())
    await asked.promise
    happens(world)
    // The clock stands still: it is not the timeout that ends it.
    await closed.promise
    await turn()
    expect(isReady(world.get())).toBe(false)
  })

  it('waits for its turn when too many are asked', async () => {
    const asked: string[] = []
    const slowAsked = Promise.withResolvers<void>()
    const silent = createHttpServer(() => {
      asked.push('slow')
      slowAsked.resolve()
    })
    await using slow = await listening(silent)
    await using fast = await listening(
      createHttpServer((_request, response) => {
        asked.push('fast')
        response.end()
      }),
    )
    const template = { modelName: 'iris', protocol: 'v2' } as const
    using world = new World(portOf(slow), template, 1)
    world.know(revisionOf('ml/fast-00001', { ...template, ports: [{ containerPort: portOf(fast) }] }))
    world.pods.set(up())
    await slowAsked.promise
    world.pods.set(up({ name: 'fast', revision: 'fast-00001' }))
    await world.clock.advance(999)
    expect(asked).toEqual(['slow'])
    await world.until(isReady, 'ml/fast')
    expect(asked.slice(0, 2)).toEqual(['slow', 'fast'])
  })
})

describe('a pod that was ready', () => {
  it.each<[string, () => Pod, string]>([
    ['Ready=False', () => up(ready('False')), 'loading'],
    [
      'deletionTimestamp',
      () => up({ ...ready('True'), metadata: { deletionTimestamp: '2026-11-24T12:01:00Z' } }),
      'draining',
    ],
    [
      'our own mark',
      () => up({ ...ready('True'), metadata: { annotations: { 'pilotlight.dev/draining': 'true' } } }),
      'draining',
    ],
    [
      'a disruption',
      () =>
        up({
          status: { conditions: [condition('Ready', 'True'), condition('DisruptionTarget', 'True')] },
        }),
      'draining',
    ],
    ['a lost node', () => up({ status: { phase: 'Unknown', ...ready('True').status } }), 'failed'],
  ])('is out in the turn in which %s is seen', async (_what, next, phase) => {
    await using server = await listening(createServer())
    using world = new World(portOf(server))
    world.pods.set(up(ready('True')))
    await world.until(isReady)
    world.pods.set(next())
    await turn()
    expect(world.get()?.phase).toBe(phase)
  })

  it('stays out when True and False are seen in one turn, although we had a yes', async () => {
    await using server = await listening(createServer())
    using world = new World(portOf(server))
    world.pods.set(up(ready('False')))
    await world.until(isReady)
    world.pods.set(up(ready('True')))
    world.pods.set(up(ready('False')))
    await turn()
    expect(world.get()?.phase).toBe('loading')
  })
})

describe('a pod whose node is given up', () => {
  const givenUp = {
    status: { conditions: [condition('ContainersReady', 'True'), condition('Ready', 'False')] },
  }

  it('goes on when it answers us: it is the control plane that was away', async () => {
    let asked = 0
    await using server = await listening(createServer(() => void (asked += 1)))
    using world = new World(portOf(server))
    world.pods.set(up(ready('True')))
    await world.until(isReady)
    const before = asked
    world.pods.set(up(givenUp))
    await turn()
    await world.until((replica) => isReady(replica) && asked > before)
    world.pods.set(up(ready('True')))
    await turn()
    expect(world.get()?.phase).toBe('ready')
  })

  it('is out when it does not answer', async () => {
    const server = await listening(createServer())
    using world = new World(portOf(server))
    world.pods.set(up(ready('True')))
    await world.until(isReady)
    await server[Symbol.asyncDispose]()
    world.pods.set(up(givenUp))
    await turn()
    for (let ms = 0; ms < 50; ms += 1) await world.clock.advance(1)
    expect(world.get()?.phase).toBe('loading')
  })
})

describe('publishing', () => {
  it('is done once for all that changes in a turn', async () => {
    using world = new World(8080)
    const before = world.replicas.ready.value
    for (const name of ['a', 'b', 'c', 'd']) {
      world.pods.set(pod({ name }))
      // As a watch that hands out its events one microtask after the other.
      await Promise.resolve()
      expect(world.replicas.ready.value).toBe(before)
    }
    await turn()
    expect(world.replicas.ready.value.replicas.map(({ name }) => name)).toEqual([
      'ml/a',
      'ml/b',
      'ml/c',
      'ml/d',
    ])
  })

  it('keeps what did not change, and says nothing when nothing did', async () => {
    using world = new World(8080)
    world.pods.set(pod({ name: 'a' }))
    world.pods.set(pod({ name: 'b' }))
    await turn()
    const [a, b] = world.replicas.ready.value.replicas
    world.pods.set(pod({ name: 'b', metadata: { annotations: { 'pilotlight.dev/draining': 'true' } } }))
    await turn()
    const after = world.replicas.ready.value
    expect(after.replicas[0]).toBe(a)
    expect(after.replicas[1]).not.toBe(b)
    await world.clock.advance(1_000)
    world.pods.set(
      pod({ name: 'b', metadata: { annotations: { 'pilotlight.dev/draining': 'true', x: '1' } } }),
    )
    await turn()
    expect(world.replicas.ready.value).toBe(after)
  })

  it('waits for a revision that is not known yet, and forgets one that is gone', async () => {
    using world = new World(8080)
    world.pods.set(pod({ name: 'later', revision: 'later-00001' }))
    world.pods.set(pod())
    await turn()
    const [known] = world.replicas.ready.value.replicas
    expect(world.replicas.ready.value.replicas).toHaveLength(1)
    world.know(revisionOf('ml/later-00001'))
    world.replicas.revisionsChanged()
    await turn()
    expect(world.replicas.ready.value.replicas).toHaveLength(2)
    expect(world.get()).toBe(known)
    world.revisions.delete('ml/later-00001')
    world.replicas.revisionsChanged()
    await turn()
    expect(world.replicas.ready.value.replicas).toEqual([known])
  })

  it('starts with the pods that are there', async () => {
    const pods = new FakePods()
    pods.set(pod())
    const options = {
      pods,
      revisionOf: () => revisionOf('ml/iris-00001'),
      clock: new ManualClock(),
      log: silentLog,
    }
    using replicas = new PodReplicas(options)
    await turn()
    expect(replicas.ready.value.replicas).toMatchObject([{ name: NAME, phase: 'pulling' }])
  })
})
