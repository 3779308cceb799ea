import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { TestNamespace, testbed } from './cluster.ts'
import { Installation, IRIS } from './installation.ts'
import { standInService } from './services.ts'
import { Traffic } from './traffic.ts'

const predicted = z.looseObject({ pod: z.string(), most: z.int() })

/** `containerConcurrency: 1` is a promise to the model, whichever gateways its requests come through. */
describe.skipIf(testbed?.kubelet !== 'process')('a replica that takes one request at a time', () => {
  let pilotlight: Installation
  let space: TestNamespace
  let gateways: readonly string[] = []

  beforeAll(async () => {
    pilotlight = await Installation.open()
    gateways = await pilotlight.findGateways()
    space = await TestNamespace.make('limits')
    const limited = (name: string, replicas: number): object =>
      standInService(name, {
        predictor: { minReplicas: replicas, maxReplicas: replicas, containerConcurrency: 1 },
        env: { DELAY_MS: 20 },
      })
    await space.apply(limited('alone', 1), limited('three', 3))
    await space.waitFor('condition=Ready', 'inferenceservice --all', 120)
    await space.waitFor('jsonpath={.status.readyReplicas}=3', 'deployment three-predictor-00001')
  })
  afterAll(async () => {
    await space[Symbol.asyncDispose]()
    await pilotlight[Symbol.asyncDispose]()
  })

  /** Keeps 12 requests under way through some gateways, by turns; gives what the replicas said. */
  async function load(
    name: string,
    through: readonly string[],
  ): Promise<readonly z.infer<typeof predicted>[]> {
    let turn = 0
    await using traffic = new Traffic(12, () => {
      turn += 1
      const gateway = through[turn % through.length]
      return pilotlight.ask(`${name}.${space.name}.example.com`, `/v1/models/${name}:predict`, {
        body: IRIS,
        ...(gateway === undefined ? {} : { gateway }),
      })
    })
    await traffic.next(300)
    await traffic[Symbol.asyncDispose]()
    expect(traffic.failures).toEqual([])
    return traffic.seen.map(({ body }) => predicted.parse(JSON.parse(body)))
  }

  test('there are two gateways', () => expect(gateways).toHaveLength(2))

  describe.each([
    ['alone', 1],
    ['three', 3],
  ])('%s, of a service with %d', (name, replicas) => {
    test.each([
      ['both gateways', [0, 1]],
      ['the first gateway only', [0]],
      ['the other gateway only', [1]],
    ])('gets them one by one through %s, and every one is answered', async (_, indices) => {
      const answers = await load(
        name,
        indices.map((index) => gateways[index] ?? ''),
      )
      expect(new Set(answers.map(({ pod }) => pod)).size).toBe(replicas)
      expect(Math.max(...answers.map(({ most }) => most))).toBe(1)
    })
  })
})
