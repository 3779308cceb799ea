import { text } from 'node:stream/consumers'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestNamespace, testbed } from './cluster.ts'
import { Installation } from './installation.ts'
import { standInService } from './services.ts'

const STREAM_SECONDS = 20
const EVENTS = STREAM_SECONDS * 10

/** An answer that takes long, read to its end. */
interface Stream {
  /** The one that gives it. */
  readonly pod: string
  readonly isOver: () => boolean
  readonly whole: Promise<string>
}

describe.skipIf(testbed?.kubelet !== 'process')('an answer that takes 20 s', () => {
  let pilotlight: Installation
  let space: TestNamespace
  let gateway = ''

  beforeAll(async () => {
    pilotlight = await Installation.open()
    gateway = (await pilotlight.findGateways())[0] ?? ''
    space = await TestNamespace.make('streams')
  })
  afterAll(async () => {
    await space[Symbol.asyncDispose]()
    await pilotlight[Symbol.asyncDispose]()
  })

  /** Resolves when it has begun. */
  async function open(name: string): Promise<Stream> {
    const { statusCode, headers, body } = await request(
      `http://${gateway}:8080/stream?seconds=${STREAM_SECONDS}`,
      { headers: { host: `${name}.${space.name}.example.com` } },
    )
    expect(statusCode).toBe(200)
    let isOver = false
    const whole = text(body).finally(() => (isOver = true))
    return { pod: String(headers['x-pod']), isOver: () => isOver, whole }
  }

  async function patch(name: string, predictor: object): Promise<void> {
    const merge = JSON.stringify({ spec: { predictor } })
    await space.kubectl('patch', 'inferenceservice', name, '--type=merge', '--patch', merge)
  }

  function expectWhole(events: string): void {
    const numbers = Array.from({ length: EVENTS }, (_, nth) => `data: ${nth}\n\n`)
    expect(events).toBe(`${numbers.join('')}data: end\n\n`)
  }

  test('survives that two of three replicas go', async () => {
    await space.apply(
      standInService('shrinks', {
        predictor: { minReplicas: 3, maxReplicas: 3 },
        // There a number of replicas is no new revision.
        annotations: { 'serving.kserve.io/deploymentMode': 'Standard' },
      }),
    )
    const deployment = 'deployment shrinks-predictor-00001'
    await space.waitFor('create', deployment)
    await space.waitFor('jsonpath={.status.readyReplicas}=3', deployment)
    const stream = await open('shrinks')
    await patch('shrinks', { minReplicas: 1, maxReplicas: 1 })
    await space.waitFor('jsonpath={.spec.replicas}=1', deployment, 15)
    await space.waitFor('jsonpath={.status.replicas}=1', deployment, 15)
    expect(stream.isOver()).toBe(false)
    expectWhole(await stream.whole)
    const pods = await space.field(
      'pods --selector pilotlight.dev/inferenceservice=shrinks',
      '.items[*].metadata.name',
    )
    expect(pods).toContain(stream.pod)
  })

  test('survives that another revision takes the place of its own', async () => {
    await space.apply(
      standInService('moves', {
        predictor: { minReplicas: 1 },
        env: { VERSION: '1' },
        annotations: { 'autoscaling.knative.dev/window': '6s' },
      }),
    )
    await space.waitFor('condition=Ready', 'inferenceservice moves')
    await space.apply(
      standInService('moves', {
        predictor: { minReplicas: 1, canaryTrafficPercent: 10 },
        env: { VERSION: '2' },
        annotations: { 'autoscaling.knative.dev/window': '6s' },
      }),
    )
    const latest = (name: string): string => `jsonpath={.status.components.predictor.${name}}`
    await space.waitFor(`${latest('latestReadyRevision')}=moves-predictor-00002`, 'inferenceservice moves')
    let stream = await open('moves')
    while (!stream.pod.startsWith('moves-predictor-00001')) stream = await open('moves')
    await patch('moves', { canaryTrafficPercent: 100 })
    await space.waitFor(`${latest('traffic[0].percent')}=100`, 'inferenceservice moves')
    const answer = await pilotlight.predict('moves', space.name)
    expect(JSON.parse(answer.body)).toMatchObject({ version: '2' })
    expect(stream.isOver()).toBe(false)
    expectWhole(await stream.whole)
    await space.waitFor('jsonpath={.spec.replicas}=0', 'deployment moves-predictor-00001')
    await space.waitFor('delete', `pod ${stream.pod}`)
  })
})
