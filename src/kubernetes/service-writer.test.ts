import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gateway } from '../../test/support/kube-objects.ts'
import { rfc3339 } from '../core/clock.ts'
import type { Problem } from '../core/desired.ts'
import type { RevisionName } from '../core/names.ts'
import { SeededRandom } from '../core/random.ts'
import { silentLog } from '../core/telemetry.ts'
import {
  noReplicas,
  parseDocuments,
  readHistory,
  reconcileService,
  toDesired,
  type KeptService,
} from '../kserve/index.ts'
import { FakeApiServer } from './api/fake-api-server.ts'
import { ImpatientClock } from './api/fake-impatient-clock.ts'
import { Refusal } from './api/fake-store.ts'
import {
  EventRecorder,
  KINDS,
  ResourceCache,
  WorkQueue,
  type ApiClient,
  type KubeObject,
  type ResourceKind,
} from './api/index.ts'
import { inferenceRouteOf } from './inference-route.ts'
import { servicesOf } from './objects/index.ts'
import { ServiceWriter } from './service-writer.ts'

const NAME = 'ml/iris'
const START_MS = 1_700_000_000_000
const MANIFEST = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: ml}
spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: "gs://bucket/iris"}}}
`

const urls = {
  domainTemplate: '{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}',
  pathTemplate: '',
  ingressDomain: 'example.com',
  urlScheme: 'http',
} as const

/** What the service has come to, with its first revision ready. */
function reached(): KeptService {
  const { services } = toDesired(parseDocuments(MANIFEST, { file: 'iris.yaml' }), {
    runtimes: 'catalogue',
    metadata: () => ({ generation: 1, createdAtMs: START_MS }),
    predictorHost: (namespace, component) => `${component}.${namespace}`,
  })
  const [desired] = services
  if (desired === undefined) throw new Error('the manifest was refused')
  const result = reconcileService({
    desired,
    history: undefined,
    observe: () => ({ ...noReplicas, readyReplicas: 1, totalReplicas: 1, phase: 'ready' }),
    nowMs: START_MS,
    options: { strict: false, keep: 1, urls },
  })
  return { desired, result }
}

describe('ServiceWriter', () => {
  let clock: ImpatientClock
  let server: FakeApiServer
  let client: ApiClient
  let life: AbortController
  let running: Promise<unknown>[]
  let queue: WorkQueue
  let retired: RevisionName[]

  beforeEach(async () => {
    clock = new ImpatientClock(START_MS)
    server = await FakeApiServer.start({ clock })
    client = server.client({ clock })
    life = new AbortController()
    running = []
    retired = []
    server.store.put(KINDS.inferenceServices, {
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'iris', namespace: 'ml', creationTimestamp: rfc3339(START_MS) },
      spec: {},
    })
  })
  afterEach(async () => {
    life.abort()
    await Promise.all(running)
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  async function open(writesStatus = true, watching = life): Promise<ServiceWriter> {
    const random = new SeededRandom(1)
    const cacheOf = (kind: ResourceKind): ResourceCache => {
      const cache = new ResourceCache(client, kind, { clock, random, log: silentLog })
      running.push(cache.run(watching.signal))
      return cache
    }
    const caches = {
      services: cacheOf(KINDS.inferenceServices),
      routes: cacheOf(KINDS.inferenceRoutes),
      others: [cacheOf(KINDS.services), cacheOf(KINDS.deployments)],
    }
    await Promise.all([caches.services, caches.routes, ...caches.others].map((cache) => cache.whenSynced))
    queue = new WorkQueue({ clock, random, log: silentLog })
    const writer = new ServiceWriter({
      ...caches,
      client,
      clock,
      log: silentLog,
      events: new EventRecorder(client, { clock, component: 'test' }),
      queue,
      writesStatus,
      objectsOf: (service, kept) => [
        inferenceRouteOf(service, kept),
        ...servicesOf(kept.desired, service.metadata.uid ?? '', kept.result.routes, gateway),
      ],
      retireOrphan: async (revision) => void retired.push(revision),
    })
    running.push(writer.run(life.signal))
    return writer
  }

  /** Everything is written, seen again, and found to be as it should. */
  async function settled(): Promise<void> {
    await queue.whenIdle()
    await server.until(() => get(KINDS.inferenceRoutes, 'iris') !== undefined)
    await queue.whenIdle()
  }

  const get = (kind: ResourceKind, name: string): KubeObject | undefined =>
    server.store.get(kind, `ml/${name}`)
  const writesNow = (): number => server.writes.length

  it('writes the InferenceRoute, the Services and the status', async () => {
    const writer = await open()
    await writer.save(NAME, reached())
    await settled()
    expect(get(KINDS.inferenceServices, 'iris')?.['status']).toMatchObject({
      url: 'http://iris.ml.example.com',
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True' })]),
    })
    expect(get(KINDS.services, 'iris-predictor')?.['spec']).toMatchObject({
      type: 'ExternalName',
      externalName: 'pilotlight-gateway.pilotlight.svc.cluster.local',
    })
    expect(await writer.load()).toEqual({ [NAME]: JSON.parse(JSON.stringify(reached().result.history)) })
  })

  it('writes nothing when nothing has changed', async () => {
    const writer = await open()
    await writer.save(NAME, reached())
    await settled()
    const before = writesNow()
    await writer.save(NAME, reached())
    await settled()
    expect(writesNow()).toBe(before)
  })

  it('writes nothing again that the caches do not show yet', async () => {
    const watching = new AbortController()
    const writer = await open(true, watching)
    watching.abort()
    await writer.save(NAME, reached())
    await queue.whenIdle()
    expect(get(KINDS.inferenceServices, 'iris')?.['status']).toBeDefined()
    const before = writesNow()
    await writer.save(NAME, reached())
    await queue.whenIdle()
    expect(writesNow()).toBe(before)
  })

  it('brings back what somebody deletes', async () => {
    const writer = await open()
    await writer.save(NAME, reached())
    await settled()
    await client.delete(KINDS.services, 'ml', 'iris')
    await server.until(() => get(KINDS.services, 'iris') !== undefined)
    expect(get(KINDS.services, 'iris')?.['spec']).toMatchObject({ type: 'ExternalName' })
  })

  it('leaves a Service of somebody else alone, and says so', async () => {
    const theirs = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'iris', namespace: 'ml' },
      spec: { type: 'ClusterIP' },
    }
    server.store.put(KINDS.services, theirs)
    const writer = await open()
    await writer.save(NAME, reached())
    await settled()
    expect(get(KINDS.services, 'iris')?.['spec']).toEqual({ type: 'ClusterIP' })
    const eventOf = (): KubeObject | undefined =>
      [...server.store.all(KINDS.events)].find((event) => event['reason'] === 'ObjectExists')
    await server.until(() => eventOf() !== undefined)
    expect(eventOf()?.['message']).toBe('Service iris is there already and not ours: it is left alone')
  })

  it('says why a change is refused, beside the status of what goes on', async () => {
    const writer = await open()
    await writer.save(NAME, reached())
    await settled()
    const problem: Problem = {
      source: '',
      kind: 'InferenceService',
      namespace: 'ml',
      name: 'iris',
      message: 'no',
    }
    writer.setProblems([problem])
    await queue.whenIdle()
    const conditions = (): unknown =>
      Reflect.get(Object(get(KINDS.inferenceServices, 'iris')?.['status']), 'conditions')
    expect(conditions()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'Ready', status: 'True' }),
        expect.objectContaining({
          type: 'SpecAccepted',
          status: 'False',
          reason: 'InvalidSpec',
          message: 'no',
        }),
      ]),
    )
    writer.setProblems([])
    await server.until(() => !JSON.stringify(conditions()).includes('SpecAccepted'))
  })

  it('takes its own away from a service that is ours no longer', async () => {
    const writer = await open()
    await writer.save(NAME, reached())
    await settled()
    await writer.save(NAME, undefined)
    await queue.whenIdle()
    expect([...server.store.all(KINDS.inferenceRoutes)]).toEqual([])
    expect([...server.store.all(KINDS.services)]).toEqual([])
    expect(get(KINDS.inferenceServices, 'iris')).toBeDefined()
  })

  it('retires Deployments of revisions that nobody knows', async () => {
    server.store.put(KINDS.deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'iris-predictor-00009',
        namespace: 'ml',
        labels: {
          'pilotlight.dev/inferenceservice': 'iris',
          'pilotlight.dev/revision': 'iris-predictor-00009',
          'app.kubernetes.io/managed-by': 'pilotlight',
        },
      },
      spec: { replicas: 1 },
    })
    const writer = await open()
    await writer.save(NAME, reached())
    await settled()
    expect(new Set(retired)).toEqual(new Set(['ml/iris-predictor-00009']))
  })

  it('leaves the status to KServe where it runs beside us', async () => {
    const writer = await open(false)
    await writer.save(NAME, reached())
    await settled()
    expect(get(KINDS.inferenceServices, 'iris')?.['status']).toBeUndefined()
  })

  it('gets there although every write conflicts once', async () => {
    server.conflictOnEveryWrite()
    const writer = await open()
    await writer.save(NAME, reached())
    while (get(KINDS.inferenceServices, 'iris')?.['status'] === undefined) {
      await clock.advance(50)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(get(KINDS.services, 'iris')).toBeDefined()
  })

  it('writes no more once another controller leads', async () => {
    const answer = Promise.withResolvers<undefined>()
    server.intercept(({ verb }) => (verb === 'patch' ? answer.promise : undefined))
    const writer = await open()
    await writer.save(NAME, reached())
    await server.until(() => writesNow() === 1)
    life.abort(new Error('another leads'))
    answer.resolve(undefined)
    await Promise.all(running)
    expect(server.writes.map(({ verb, kind }) => `${verb} ${kind.plural}`)).toEqual(['patch inferenceroutes'])
  })

  it('takes all of its own away although the API server refuses in between', async () => {
    const writer = await open()
    await writer.save(NAME, reached())
    await settled()
    server.refuse(new Refusal(503, 'ServiceUnavailable', 'not now'), ({ verb }) => verb === 'delete')
    await writer.save(NAME, undefined)
    while ([...server.store.all(KINDS.services)].length > 0) {
      await clock.advance(50)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect([...server.store.all(KINDS.inferenceRoutes)]).toEqual([])
  })

  it('does not give the history of one service to another of its name', async () => {
    const writer = await open()
    await writer.save(NAME, reached())
    await settled()
    server.store.remove(KINDS.inferenceServices, NAME, false)
    server.store.put(KINDS.inferenceServices, {
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'iris', namespace: 'ml', uid: 'another' },
      spec: {},
    })
    life.abort()
    await Promise.all(running)
    life = new AbortController()
    running = []
    expect(await (await open()).load()).toEqual({})
  })

  it('numbers on behind the Deployments of a history that cannot be read', async () => {
    server.store.put(KINDS.inferenceRoutes, {
      apiVersion: 'pilotlight.dev/v1alpha1',
      kind: 'InferenceRoute',
      metadata: { name: 'iris', namespace: 'ml', labels: { 'pilotlight.dev/inferenceservice': 'iris' } },
      spec: { routes: [], history: { version: 2 } },
    })
    for (const number of ['00002', '00011']) {
      server.store.put(KINDS.deployments, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: {
          name: `iris-predictor-${number}`,
          namespace: 'ml',
          labels: {
            'pilotlight.dev/inferenceservice': 'iris',
            'pilotlight.dev/revision': `iris-predictor-${number}`,
            'pilotlight.dev/component': 'predictor',
          },
        },
        spec: { replicas: 0 },
      })
    }
    const { [NAME]: kept } = await (await open()).load()
    const { components } = readHistory(kept)
    expect(components['iris-predictor']?.nextGeneration).toBe(12)
  })
})
