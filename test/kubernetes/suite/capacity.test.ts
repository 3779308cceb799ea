import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestNamespace, testbed } from './cluster.ts'
import { Installation, type Answer } from './installation.ts'
import { standInService } from './services.ts'

/** Long enough for a node to join meanwhile. */
const ACTIVATION_TIMEOUT_MS = 20_000
const WHY = 'Insufficient nvidia.com/gpu'
const TAINT = 'example.com/reserved-for'
/** More than any node of the test bed has. */
const GPUS = 16
const SERVICE = 'inferenceservice large'
const DEPLOYMENT = 'deployment large-predictor-00001'

/** Services that may run on the node of this test, and nobody else's there. */
function large(name: string, place: string, predictor: object, annotations = {}): object {
  const container = { resources: { limits: { 'nvidia.com/gpu': GPUS } } }
  const tolerations = [{ key: TAINT, value: place, effect: 'NoSchedule' }]
  return standInService(name, { predictor: { ...predictor, tolerations }, container, annotations })
}

describe.skipIf(testbed?.kubelet !== 'process')('a service for whose GPUs there is no place', () => {
  let pilotlight: Installation
  let space: TestNamespace

  beforeAll(async () => {
    pilotlight = await Installation.open({
      config: {
        queue: { activationTimeoutMs: ACTIVATION_TIMEOUT_MS },
        autoscaler: { 'allow-zero-initial-scale': 'true' },
      },
    })
    space = await TestNamespace.make('capacity')
    await space.apply(
      large('eager', space.name, { minReplicas: 1 }),
      large(
        'large',
        space.name,
        { minReplicas: 0, maxReplicas: 10, containerConcurrency: 1 },
        {
          'autoscaling.knative.dev/initial-scale': '0',
          'autoscaling.knative.dev/target-utilization-percentage': '100',
        },
      ),
    )
  })
  afterAll(async () => {
    await space[Symbol.asyncDispose]()
    await pilotlight[Symbol.asyncDispose]()
  })

  const askMany = (count: number): Promise<readonly Answer[]> =>
    Promise.all(Array.from({ length: count }, () => pilotlight.predict('large', space.name)))

  const expectWhy = async (name: string): Promise<void> => {
    const info = '.status.modelStatus.lastFailureInfo'
    const fields = `involvedObject.kind=InferenceService,involvedObject.name=${name},type=Warning`
    await space.waitFor(`jsonpath={${info}.message}`, `inferenceservice ${name}`)
    expect(await space.field(`inferenceservice ${name}`, `${info}.message`)).toContain(WHY)
    expect(await space.field(`inferenceservice ${name}`, `${info}.reason`)).toBe('RuntimeUnhealthy')
    await space.waitFor('create', `event --field-selector ${fields}`)
    expect(await space.field(`events --field-selector ${fields}`, '.items[0].message')).toContain(WHY)
  }

  test('that has to run from the start says why it does not: in its status, in an Event and in answers', async () => {
    await expectWhy('eager')
    const ready = '.status.conditions[?(@.type=="Ready")].status'
    expect(await space.field('inferenceservice eager', ready)).not.toBe('True')
    const { status, body } = await pilotlight.predict('eager', space.name)
    expect([status, JSON.parse(body)]).toEqual([
      503,
      { code: 'REVISION_NOT_READY', error: expect.stringContaining(WHY) },
    ])
  })

  test('that sleeps tells those that wait, and orders no more replicas for those that come then', async () => {
    const first = askMany(1)
    await expectWhy('large')
    const more = askMany(20)
    for (const { status, body } of [...(await first), ...(await more)]) {
      expect([status, JSON.parse(body)]).toEqual([
        504,
        { code: 'ACTIVATION_TIMEOUT', error: expect.stringContaining(WHY) },
      ])
    }
    expect(await space.field(DEPLOYMENT, '.spec.replicas')).toBe('1')
  })

  test('goes on when nodes join, and who waits is answered', async () => {
    const held = askMany(20)
    const taints = [{ key: TAINT, value: space.name, effect: 'NoSchedule' }]
    await testbed?.addNodes([{ name: `gpu-${space.name}`, gpus: 3 * GPUS, taints }])
    expect((await held).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    await space.waitFor('condition=Ready', SERVICE)
    await space.waitFor('condition=Ready', 'inferenceservice eager')
    expect(await space.field(SERVICE, '.status.modelStatus.states.targetModelState')).toBe('Loaded')
  })
})
