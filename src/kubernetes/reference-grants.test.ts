import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deployedOne } from '../../test/support/kserve-service.ts'
import { gateway } from '../../test/support/kube-objects.ts'
import { KubernetesCaches } from '../../test/support/kubernetes-caches.ts'
import type { DesiredService } from '../core/desired.ts'
import { SeededRandom } from '../core/random.ts'
import { silentLog } from '../core/telemetry.ts'
import { KINDS, WorkQueue } from './api/index.ts'
import { ReferenceGrants } from './reference-grants.ts'

const { service } = deployedOne(`
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: ml}
spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: "gs://bucket/iris"}}}
`)
const serviceIn = (namespace: string): DesiredService => ({ ...service, namespace })

describe('ReferenceGrants', () => {
  let caches: KubernetesCaches
  let queue: WorkQueue
  let grants: ReferenceGrants
  let over: AbortController
  let running: Promise<void>

  beforeEach(async () => {
    caches = await KubernetesCaches.open()
    over = new AbortController()
    await open()
  })
  afterEach(async () => {
    await close()
    await caches[Symbol.asyncDispose]()
  })

  async function open(): Promise<void> {
    const { clock, client } = caches
    queue = new WorkQueue({ clock, random: new SeededRandom(1), log: silentLog, concurrency: 1 })
    const cache = caches.of(KINDS.referenceGrants)
    await cache.whenSynced
    grants = new ReferenceGrants({ client, grants: cache, gateway, queue })
    over = new AbortController()
    running = grants.run(over.signal)
  }

  async function close(): Promise<void> {
    over.abort()
    await running
  }

  async function settled(): Promise<void> {
    await caches.seen()
    await queue.whenIdle()
    await caches.seen()
  }

  /** Namespaces whose HTTPRoutes may lead to the gateway. */
  const granted = (): readonly unknown[] =>
    caches.server.store
      .all(KINDS.referenceGrants)
      .flatMap((grant) => Object(grant['spec']).from.map((from: object) => Reflect.get(from, 'namespace')))

  it('allows the namespaces of services that are shown outside, each once', async () => {
    grants.setServices([
      serviceIn('b'),
      serviceIn('a'),
      serviceIn('b'),
      { ...serviceIn('c'), clusterLocal: true },
    ])
    await settled()
    expect(granted()).toEqual(['a', 'b'])
    const { length } = caches.server.writes
    grants.setServices([serviceIn('a'), serviceIn('b')])
    await settled()
    expect(caches.server.writes).toHaveLength(length)
  })

  it('takes back what no service needs, after a restart too', async () => {
    grants.setServices([serviceIn('a')])
    await settled()
    await close()
    await open()
    grants.setServices([])
    await settled()
    expect(granted()).toEqual([])
  })

  it('brings back what somebody deletes', async () => {
    grants.setServices([serviceIn('a')])
    await settled()
    const [grant] = caches.server.store.all(KINDS.referenceGrants)
    await caches.client.delete(KINDS.referenceGrants, gateway.namespace, grant!.metadata.name)
    await settled()
    expect(granted()).toEqual(['a'])
  })

  it('takes nothing away before it knows what is wanted', async () => {
    grants.setServices([serviceIn('a')])
    await settled()
    await close()
    await open()
    queue.add('anything')
    await settled()
    expect(granted()).toEqual(['a'])
  })
})
