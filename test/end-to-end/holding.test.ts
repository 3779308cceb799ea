import { describe, expect, it } from 'vitest'
import { fixtureRuntime, up, type Running } from './harness.ts'
import { load, statuses } from './load.ts'
import { service } from './manifests.ts'

interface FixtureAnswer {
  readonly pid: number
  readonly most: number
  readonly version: string
}

const sleepy = { 'autoscaling.knative.dev/initial-scale': '0', 'autoscaling.knative.dev/window': '6s' }
const config = 'autoscaler: {allow-zero-initial-scale: "true"}\n'

/** Its revision can answer, and has never had a replica. */
const asleep = (running: Running): Promise<unknown> =>
  running.until('it sleeps', ({ revisions }) => revisions.some(({ ready }) => ready === 'True'))

describe('holding', () => {
  it.each([
    ['one thread', '1'],
    ['three threads', '3'],
  ])(
    'wakes a service that never ran, and no replica ever runs more than its limit: %s',
    async (_, workers) => {
      const files = {
        'pilotlight.yaml': config,
        'runtime.yaml': fixtureRuntime(['--delay-ms=20']),
        'service.yaml': service('held', {
          annotations: sleepy,
          predictor: { minReplicas: 0, maxReplicas: 3, containerConcurrency: 4 },
        }),
      }
      await using running = await up(files, { args: ['--workers', workers] })
      await asleep(running)
      const result = await load({ count: 200, concurrency: 200 }, () => running.predict('held.default', [1]))
      expect(statuses(result)).toEqual({ 200: 200 })
      const most = Math.max(...result.answers.map(({ body }) => (JSON.parse(body) as FixtureAnswer).most))
      expect(most).toBeLessThanOrEqual(4)
      expect(most).toBeGreaterThan(1)
      await running.until('it sleeps again', ({ replicas }) => replicas.length === 0)
      const again = await running.predict('held.default', [2])
      expect(again.status).toBe(200)
      expect(again.headers['x-pilotlight-cold-start']).toBeDefined()
    },
  )

  it('answers 503 with Retry-After when the queue is full, 504 when no replica comes in time', async () => {
    await using running = await up({
      'pilotlight.yaml': `${config}queue: {depthMax: 2, activationTimeoutMs: 1500}\n`,
      'runtime.yaml': fixtureRuntime(['--start-delay-ms=60000']),
      'service.yaml': service('slow', { annotations: sleepy, predictor: { minReplicas: 0 } }),
    })
    await asleep(running)
    const result = await load({ count: 5, concurrency: 5 }, () => running.predict('slow.default', [1]))
    expect(statuses(result)).toEqual({ 503: 3, 504: 2 })
    const full = result.answers.find(({ status }) => status === 503)!
    expect(JSON.parse(full.body)).toMatchObject({ code: 'QUEUE_FULL' })
    expect(Number(full.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    const late = result.answers.find(({ status }) => status === 504)!
    expect(JSON.parse(late.body)).toMatchObject({ code: 'ACTIVATION_TIMEOUT' })
  })

  it('tells what waits for a GPU that is not there why', async () => {
    await using running = await up({
      'pilotlight.yaml': `${config}queue: {activationTimeoutMs: 1500}\nlocal: {gpus: ["0"]}\n`,
      'runtime.yaml': fixtureRuntime(),
      'service.yaml': `${JSON.stringify({
        apiVersion: 'serving.kserve.io/v1beta1',
        kind: 'InferenceService',
        metadata: { name: 'big', annotations: sleepy },
        spec: {
          predictor: {
            minReplicas: 0,
            model: { modelFormat: { name: 'fixture' }, resources: { limits: { 'nvidia.com/gpu': '2' } } },
          },
        },
      })}\n`,
    })
    await asleep(running)
    const answer = await running.predict('big.default', [1])
    expect(answer.status).toBe(504)
    expect(JSON.parse(answer.body)).toMatchObject({
      error: expect.stringContaining('needs 2 nvidia.com/gpu') as string,
    })
  })
})
