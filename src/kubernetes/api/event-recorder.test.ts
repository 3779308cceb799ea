import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/manual-clock.ts'
import type { ApiClient } from './api-client.ts'
import { EventRecorder } from './event-recorder.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { Refusal } from './fake-store.ts'
import { KINDS } from './kinds.ts'
import type { KubeObject } from './kube-object.ts'

const service: KubeObject = {
  apiVersion: 'serving.kserve.io/v1beta1',
  kind: 'InferenceService',
  metadata: { name: 'iris', namespace: 'ml', uid: 'uid-1', resourceVersion: '7' },
}
const ready = {
  type: 'Normal',
  reason: 'InferenceServiceReady',
  message: 'InferenceService [iris] is Ready',
} as const

describe('EventRecorder', () => {
  let clock: ManualClock
  let server: FakeApiServer
  let client: ApiClient
  let recorder: EventRecorder

  beforeEach(async () => {
    clock = new ManualClock(1_700_000_000_000)
    server = await FakeApiServer.start({ clock })
    client = server.client({ clock })
    recorder = new EventRecorder(client, { clock, component: 'pilotlight-controller' })
  })

  afterEach(async () => {
    recorder[Symbol.dispose]()
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  const events = (): readonly KubeObject[] => server.store.all(KINDS.events)
  const counts = (): readonly unknown[] => events().map(({ message, count }) => [message, count])

  it('tells what happened to an object, as kubectl shows it', async () => {
    recorder.record(service, ready)
    await recorder.whenIdle()
    expect(events()).toHaveLength(1)
    const [event] = events()
    expect(event?.metadata.name).toMatch(/^iris\.[0-9a-f]+$/)
    expect(event).toMatchObject({
      metadata: { namespace: 'ml' },
      involvedObject: {
        apiVersion: 'serving.kserve.io/v1beta1',
        kind: 'InferenceService',
        name: 'iris',
        namespace: 'ml',
        uid: 'uid-1',
        resourceVersion: '7',
      },
      type: 'Normal',
      reason: 'InferenceServiceReady',
      message: 'InferenceService [iris] is Ready',
      source: { component: 'pilotlight-controller' },
      reportingComponent: 'pilotlight-controller',
      firstTimestamp: '2023-11-14T22:13:20Z',
      lastTimestamp: '2023-11-14T22:13:20Z',
      count: 1,
    })
  })

  it('counts equal ones', async () => {
    recorder.record(service, ready)
    await recorder.whenIdle()
    await clock.advance(60_000)
    // Those that are said while one is being written go with the next.
    for (let nth = 0; nth < 100; nth++) recorder.record(service, ready)
    await recorder.whenIdle()
    await clock.advance(1000)
    await recorder.whenIdle()
    expect(counts()).toEqual([[ready.message, 101]])
    expect(events()[0]).toMatchObject({
      firstTimestamp: '2023-11-14T22:13:20Z',
      lastTimestamp: '2023-11-14T22:14:20Z',
    })
    expect(server.writes.length).toBeLessThanOrEqual(3)
  })

  it('begins anew when the last equal one is long ago, or Kubernetes has forgotten it', async () => {
    recorder.record(service, ready)
    await recorder.whenIdle()
    await clock.advance(600_000)
    recorder.record(service, ready)
    await recorder.whenIdle()
    expect(counts()).toEqual([
      [ready.message, 1],
      [ready.message, 1],
    ])
    for (const { metadata } of events()) server.store.remove(KINDS.events, `ml/${metadata.name}`)
    recorder.record(service, ready)
    await recorder.whenIdle()
    expect(counts()).toEqual([[ready.message, 2]])
  })

  it('slows a burst down, each object for itself', async () => {
    const other = { ...service, metadata: { ...service.metadata, name: 'other', uid: 'uid-2' } }
    for (let nth = 0; nth < 8; nth++) {
      recorder.record(service, { type: 'Warning', reason: 'Odd', message: `number ${nth}` })
    }
    recorder.record(other, ready)
    await recorder.whenIdle()
    expect(events()).toHaveLength(6)
    for (const expected of [7, 8, 9]) {
      await clock.advance(1000)
      await recorder.whenIdle()
      expect(events()).toHaveLength(expected)
    }
  })

  it('tries again while the API server is away, and drops what is refused for good', async () => {
    await server.away()
    recorder.record(service, ready)
    await recorder.whenIdle()
    await server.back()
    await clock.advance(4000)
    await recorder.whenIdle()
    expect(counts()).toEqual([[ready.message, 1]])

    server.refuse(new Refusal(403, 'Forbidden', 'the namespace is being terminated'))
    recorder.record(service, { ...ready, message: 'gone' })
    await recorder.whenIdle()
    expect(clock.nextDueMs()).toBeUndefined()
    recorder.record(service, { ...ready, message: 'gone' })
    await recorder.whenIdle()
    expect(counts()).toContainEqual(['gone', 1])
  })

  it('cuts what the API would not take, and puts events of the whole cluster into default', async () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n'.repeat(253) } }
    recorder.record(node, { type: 'Warning', reason: 'Long', message: 'x'.repeat(5000) })
    await recorder.whenIdle()
    const [event] = events()
    expect(event?.metadata.namespace).toBe('default')
    expect(event?.metadata.name.length).toBeLessThanOrEqual(253)
    expect(event?.['message']).toBe('x'.repeat(1024))
  })
})
