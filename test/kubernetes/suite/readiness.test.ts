import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestNamespace, testbed } from './cluster.ts'
import { Installation } from './installation.ts'
import { standInService } from './services.ts'

const GATE = 'example.com/warmed-up'

/** Gateways ask pods themselves, and the kubelet's word counts from the moment that it has said yes. */
describe.skipIf(testbed?.kubelet !== 'process')('a pod', () => {
  let pilotlight: Installation
  let space: TestNamespace

  beforeAll(async () => {
    pilotlight = await Installation.open()
    space = await TestNamespace.make('readiness')
  })
  afterAll(async () => {
    await space[Symbol.asyncDispose]()
    await pilotlight[Symbol.asyncDispose]()
  })

  const podsOf = (name: string): string => `pods --selector pilotlight.dev/inferenceservice=${name}`
  const condition = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`

  /** Which pods answer so many requests. */
  async function answering(name: string, count: number): Promise<ReadonlySet<string>> {
    const answers = await Promise.all(
      Array.from({ length: count }, () => pilotlight.predict(name, space.name)),
    )
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    return new Set(answers.map(({ body }): string => JSON.parse(body).pod))
  }

  test('takes requests as soon as it listens, long before its kubelet asks again', async () => {
    await space.apply(
      standInService('eager', {
        predictor: { minReplicas: 1 },
        // It does not listen when its kubelet asks for the first time.
        env: { START_DELAY_MS: 1_500 },
        container: { readinessProbe: { httpGet: { path: '/v1/models/eager' }, periodSeconds: 10 } },
      }),
    )
    await space.waitFor('condition=Ready', 'inferenceservice eager')
    expect((await pilotlight.predict('eager', space.name)).status).toBe(200)
    expect(await space.field(podsOf('eager'), `.items[0]${condition('Ready')}`)).toBe('False')
    await space.waitFor('condition=Ready', podsOf('eager'), 30)
    expect((await pilotlight.predict('eager', space.name)).status).toBe(200)
  })

  test('gets nothing while it says that it is not ready, and again when it is', async () => {
    await space.apply(
      standInService('moody', {
        predictor: { minReplicas: 2, maxReplicas: 2 },
        container: {
          readinessProbe: { httpGet: { path: '/v1/models/moody' }, periodSeconds: 1, failureThreshold: 1 },
        },
      }),
    )
    await space.waitFor('condition=Ready', 'inferenceservice moody')
    await space.waitFor('jsonpath={.status.readyReplicas}=2', 'deployment moody-predictor-00001')
    const both = await answering('moody', 40)
    const pods = await space.field(
      podsOf('moody'),
      'range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end',
    )
    const [[moody = '', address = ''] = [], [other = ''] = []] = pods
      .split('\n')
      .map((line) => line.split(' '))
    expect([...both].sort()).toEqual([moody, other].sort())

    const say = (isReady: boolean): Promise<unknown> =>
      request(`http://${address}:8080/ready`, { method: 'PUT', body: String(isReady) })
    await say(false)
    await space.waitFor('condition=Ready=False', `pod ${moody}`, 30)
    expect(await answering('moody', 40)).toEqual(new Set([other]))
    await say(true)
    await space.waitFor('condition=Ready', `pod ${moody}`, 30)
    expect(await answering('moody', 40)).toEqual(both)
  })

  test('with a readiness gate waits until somebody opens it', async () => {
    await space.apply(
      standInService('gated', { predictor: { minReplicas: 1, readinessGates: [{ conditionType: GATE }] } }),
    )
    await space.waitFor('create', podsOf('gated'))
    await space.waitFor('condition=ContainersReady', podsOf('gated'))
    await space.waitFor(
      'jsonpath={.status.modelStatus.states.targetModelState}=Loading',
      'inferenceservice gated',
    )
    const { status: code, body } = await pilotlight.predict('gated', space.name)
    expect([code, body]).toEqual([503, expect.stringContaining(`waits for the condition ${GATE}`)])
    const name = await space.field(podsOf('gated'), '.items[0].metadata.name')
    const status = { conditions: [{ type: GATE, status: 'True' }] }
    await space.kubectl('patch', 'pod', name, '--subresource=status', '--patch', JSON.stringify({ status }))
    await space.waitFor('condition=Ready', 'inferenceservice gated')
    expect((await pilotlight.predict('gated', space.name)).status).toBe(200)
  })
})
