import { describe, expect, it } from 'vitest'
import { fixtureRuntime, up, type Answer, type Running } from './harness.ts'
import { load, statuses, SteadyLoad } from './load.ts'
import { service } from './manifests.ts'

const versionOf = (answer: Answer): string => (JSON.parse(answer.body) as { version: string }).version

function countVersions(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[versionOf(answer)] = (counts[versionOf(answer)] ?? 0) + 1
  return counts
}

/** The latest revision takes this share, and is the one of this number. */
function latestIs(running: Running, revision: string, percent: number): Promise<unknown> {
  return running.until(`${revision} has ${percent} %`, ({ services }) =>
    (services[0]?.status.components?.predictor?.traffic ?? []).some(
      (target) => target.latestRevision && target.revisionName === revision && target.percent === percent,
    ),
  )
}

describe('a canary under load', () => {
  it.each([
    ['one thread', '1'],
    ['three threads', '3'],
  ])(
    'gets exactly 10 of every 100, is promoted and rolled back, and no request fails: %s',
    async (_, workers) => {
      const files = { 'runtime.yaml': fixtureRuntime(), 'service.yaml': service('model', { version: 'v1' }) }
      await using running = await up(files, { args: ['--workers', workers] })
      await latestIs(running, 'model-predictor-00001', 100)
      const steady = new SteadyLoad(4, () => running.predict('model.default', [1]))

      running.write(
        'service.yaml',
        service('model', { version: 'v2', predictor: { canaryTrafficPercent: 10 } }),
      )
      await latestIs(running, 'model-predictor-00002', 10)
      const before = steady.answers.length
      await running.until('the load goes on', () => steady.answers.length > before + 20)
      const during = await steady.stop()
      expect(statuses(during)).toEqual({ 200: during.answers.length })

      for (let hundred = 0; hundred < 3; hundred++) {
        const result = await load({ count: 100, concurrency: 8 }, () => running.predict('model.default', [1]))
        expect(countVersions(result.answers)).toEqual({ v1: 90, v2: 10 })
      }

      const steadyAgain = new SteadyLoad(4, () => running.predict('model.default', [1]))
      expect(await running.cli('canary', 'promote', 'model')).toMatchObject({ code: 0 })
      await latestIs(running, 'model-predictor-00002', 100)
      expect(
        countVersions(
          (await load({ count: 100, concurrency: 8 }, () => running.predict('model.default', [1]))).answers,
        ),
      ).toEqual({ v2: 100 })

      expect(await running.cli('canary', 'rollback', 'model')).toMatchObject({ code: 0 })
      await latestIs(running, 'model-predictor-00002', 0)
      expect(
        countVersions(
          (await load({ count: 100, concurrency: 8 }, () => running.predict('model.default', [1]))).answers,
        ),
      ).toEqual({ v1: 100 })
      const after = await steadyAgain.stop()
      expect(statuses(after)).toEqual({ 200: after.answers.length })
    },
  )

  it('never sends traffic to a canary that cannot start, and says why', async () => {
    await using running = await up({
      'runtime.yaml': fixtureRuntime(),
      'service.yaml': service('model', { version: 'v1' }),
    })
    await latestIs(running, 'model-predictor-00001', 100)
    running.write(
      'service.yaml',
      `${JSON.stringify({
        apiVersion: 'serving.kserve.io/v1beta1',
        kind: 'InferenceService',
        metadata: { name: 'model' },
        spec: {
          predictor: {
            canaryTrafficPercent: 50,
            model: { modelFormat: { name: 'fixture' }, args: ['--exit-code=3'] },
          },
        },
      })}\n`,
    )
    const failed = await running.until('the canary fails', ({ replicas }) =>
      replicas.some(({ phase }) => phase === 'failed'),
    )
    expect(failed.replicas.find(({ phase }) => phase === 'failed')).toMatchObject({
      exitCode: 3,
      reason: expect.stringContaining('the model is broken') as string,
    })
    const result = await load({ count: 100, concurrency: 8 }, () => running.predict('model.default', [1]))
    expect(countVersions(result.answers)).toEqual({ v1: 100 })
  })
})
