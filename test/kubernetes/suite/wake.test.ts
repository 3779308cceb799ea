import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { median, percentile, table } from '../../../bench/figures.ts'
import { SystemClock } from '../../../src/core/clock.ts'
import { SystemRandom } from '../../../src/core/random.ts'
import { silentLog } from '../../../src/core/telemetry.ts'
import { KINDS, ResourceCache } from '../../../src/kubernetes/index.ts'
import { openClient } from './client.ts'
import { TestNamespace, testbed } from './cluster.ts'
import { Installation } from './installation.ts'
import { standInService } from './services.ts'

const WAKES = 20
const clock = new SystemClock()
const times = z.object({ beganAtMs: z.number(), listeningAtMs: z.number() })

interface Wake {
  /** First byte of the request -> the pod is seen by a watch. */
  readonly podMs: number
  /** The server listens -> its answer is here. */
  readonly answerMs: number
  readonly wholeMs: number
}

/** What a cold start costs beside the start of the pod. The figures are printed: they are those of a busy machine. */
describe.skipIf(testbed?.kubelet !== 'process')('a wake-up', () => {
  let pilotlight: Installation
  let space: TestNamespace

  beforeAll(async () => {
    const autoscaler = { 'allow-zero-initial-scale': 'true' }
    pilotlight = await Installation.open({ config: { autoscaler } })
    space = await TestNamespace.make('wake')
  })
  afterAll(async () => {
    await space[Symbol.asyncDispose]()
    await pilotlight[Symbol.asyncDispose]()
  })

  test('of each of many services that sleep', async () => {
    const names = Array.from({ length: WAKES }, (_, nth) => `sleeper-${nth}`)
    await space.apply(
      ...names.map((name) =>
        standInService(name, {
          predictor: { minReplicas: 0 },
          annotations: {
            'autoscaling.knative.dev/initial-scale': '0',
            'autoscaling.knative.dev/window': '6s',
          },
          container: { readinessProbe: { httpGet: { path: '/ready' }, periodSeconds: 10 } },
        }),
      ),
    )
    await space.waitFor('condition=Ready', 'inferenceservice --all', 120)

    await using client = await openClient()
    const pods = new ResourceCache(client, KINDS.pods, {
      namespace: space.name,
      clock,
      random: new SystemRandom(),
      log: silentLog,
    })
    const seenAtMs = new Map<string, number>()
    using _subscription = pods.onChange(({ object, before }) => {
      const service = object?.metadata.labels?.['pilotlight.dev/inferenceservice']
      if (service !== undefined && before === undefined) seenAtMs.set(service, clock.now())
    })
    const over = new AbortController()
    const watching = pods.run(over.signal)
    await pods.whenSynced
    expect(pods.size).toBe(0)

    const wakes: Wake[] = []
    for (const name of names) {
      const beganMs = clock.now()
      const answer = await pilotlight.ask(`${name}.${space.name}.example.com`, '/times')
      const endedMs = clock.now()
      expect(answer.status).toBe(200)
      const { listeningAtMs } = times.parse(JSON.parse(answer.body))
      wakes.push({
        podMs: (seenAtMs.get(name) ?? Number.NaN) - beganMs,
        answerMs: endedMs - listeningAtMs,
        wholeMs: endedMs - beganMs,
      })
    }
    over.abort()
    await watching

    const rows = (
      [
        ['first byte -> pod object created', 'podMs', '50'],
        ['container listening -> first answer', 'answerMs', '30'],
        ['whole', 'wholeMs', ''],
      ] as const
    ).map(([step, figure, aim]) => {
      const values = wakes.map((wake) => wake[figure])
      expect(values.every((ms) => ms > 0)).toBe(true)
      return [step, median(values).toFixed(1), percentile(values, 95).toFixed(1), aim]
    })
    console.log(`\n${WAKES} wake-ups, kubelet probes every 10 s:`)
    console.log(table(['step', 'median ms', 'p95 ms', 'aim ms'], rows))
  })
})
