import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../../src/core/clock.ts'
import { TestNamespace } from './cluster.ts'
import { Installation } from './installation.ts'
import { irisService } from './services.ts'
import { shares, Traffic } from './traffic.ts'

const clock = new SystemClock()
let pilotlight: Installation
let space: TestNamespace

beforeAll(async () => {
  pilotlight = await Installation.open()
  space = await TestNamespace.make('main-job')
})
afterAll(async () => {
  await space[Symbol.asyncDispose]()
  await pilotlight[Symbol.asyncDispose]()
})

async function patch(name: string, spec: object): Promise<void> {
  const merge = JSON.stringify({ spec })
  await space.kubectl('patch', 'inferenceservice', name, '--type=merge', '--patch', merge)
}

describe('an InferenceService', () => {
  test('answers through the gateway', async () => {
    await space.apply(irisService('sklearn-iris', { predictor: { minReplicas: 1 } }))
    await space.waitFor('condition=Ready', 'inferenceservice sklearn-iris', 90)
    const url = await space.field('inferenceservice sklearn-iris', '.status.url')
    expect(url).toBe(`http://sklearn-iris.${space.name}.example.com`)
    const answer = await pilotlight.predict('sklearn-iris', space.name)
    expect([answer.status, answer.body]).toEqual([200, '{"predictions":[1,1]}'])
  })

  test('has Services for callers inside, and one Deployment per revision', async () => {
    const services = await space.field('services', '.items[*].metadata.name')
    expect(services.split(' ').sort()).toEqual(['sklearn-iris', 'sklearn-iris-predictor'])
    expect(await space.field('deployments', '.items[*].metadata.name')).toBe('sklearn-iris-predictor-00001')
  })

  test('is split as each patch of its canary says, without a failed request', async () => {
    const [stable, canary] = ['sklearn-iris-predictor-00001', 'sklearn-iris-predictor-00002']
    await using traffic = new Traffic(4, () => pilotlight.predict('sklearn-iris', space.name))
    await patch('sklearn-iris', {
      predictor: { canaryTrafficPercent: 10, model: { env: [{ name: 'VERSION', value: '2' }] } },
    })
    await space.waitFor(
      `jsonpath={.status.components.predictor.latestReadyRevision}=${canary}`,
      'inferenceservice sklearn-iris',
    )
    for (const percent of [10, 50, 100, 0]) {
      await patch('sklearn-iris', { predictor: { canaryTrafficPercent: percent } })
      const patchedMs = clock.now()
      // The answers of the second after the patch may be of either split; those after it are not.
      let answers = await traffic.next(50)
      while ((answers.at(-1)?.atMs ?? 0) < patchedMs + 1_000) answers = await traffic.next(50)
      const after = shares(await traffic.next(400))
      expect(after[canary] ?? 0, `canaryTrafficPercent ${percent}`).toBeCloseTo(percent, -0.5)
      expect((after[canary] ?? 0) + (after[stable] ?? 0)).toBe(100)
    }
    expect(traffic.failures).toEqual([])
  })

  test('is refused by the API server where it makes no sense', async () => {
    const annotated = space.kubectl(
      'annotate',
      'inferenceservice',
      'sklearn-iris',
      'pilotlight.dev/sticky=nonsense',
    )
    await expect(annotated).rejects.toThrow(
      '"nonsense" is not understood; allowed are header:NAME and cookie:NAME',
    )
  })

  test('keeps what was accepted before when we refuse it, and says why', async () => {
    const key = 'autoscaling.knative.dev/window'
    await space.kubectl('annotate', 'inferenceservice', 'sklearn-iris', `${key}=7 bananas`)
    await space.waitFor('condition=SpecAccepted=False', 'inferenceservice sklearn-iris')
    const why = '.status.conditions[?(@.type=="SpecAccepted")].message'
    expect(await space.field('inferenceservice sklearn-iris', why)).toContain('7 bananas')
    expect((await pilotlight.predict('sklearn-iris', space.name)).status).toBe(200)
    await space.kubectl('annotate', 'inferenceservice', 'sklearn-iris', `${key}-`)
  })

  test('takes everything with it when it is deleted', async () => {
    await space.kubectl('delete', 'inferenceservice', 'sklearn-iris', '--cascade=foreground', '--timeout=60s')
    await space.waitFor('delete', 'pods --all', 60)
    expect(await space.field('inferenceroutes,deployments,services', '.items[*].metadata.name')).toBe('')
    expect((await pilotlight.predict('sklearn-iris', space.name)).status).toBe(404)
  })
})

describe('a sleeping InferenceService', () => {
  const NAMES = ['sleeper-a', 'sleeper-b', 'sleeper-c', 'sleeper-d']
  const WAKES = 5

  test('is woken by its first request, time after time, and loses none', async () => {
    await space.apply(
      ...NAMES.map((name) =>
        irisService(name, {
          predictor: { minReplicas: 0 },
          annotations: { 'autoscaling.knative.dev/window': '6s' },
        }),
      ),
    )
    await Promise.all(
      NAMES.map(async (name) => {
        await space.waitFor('condition=Ready', `inferenceservice ${name}`, 120)
        for (let wake = 0; wake < WAKES; wake += 1) {
          await space.waitFor('jsonpath={.spec.replicas}=0', `deployment ${name}-predictor-00001`, 60)
          await space.waitFor('delete', `pods --selector pilotlight.dev/revision=${name}-predictor-00001`, 60)
          const answers = await Promise.all(
            Array.from({ length: 1 + ((wake * 3) % 8) }, () => pilotlight.predict(name, space.name)),
          )
          expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(
            answers.map(() => '200 {"predictions":[1,1]}'),
          )
        }
      }),
    )
    const states = '.status.modelStatus.states.targetModelState'
    await space.waitFor(`jsonpath={${states}}=Standby`, 'inferenceservice sleeper-a', 60)
    expect(
      await space.field('inferenceservice sleeper-a', '.status.conditions[?(@.type=="Ready")].status'),
    ).toBe('True')
  })
})
