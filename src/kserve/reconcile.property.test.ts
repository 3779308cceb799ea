import { describe, expect, it } from 'vitest'
import { canaryOf, componentOf, RolloutStory, serviceOf } from '../../test/support/rollout-story.ts'
import type { DesiredService } from '../core/desired.ts'
import type { RevisionName } from '../core/names.ts'
import { SeededRandom } from '../core/random.ts'
import type { Random } from '../core/random.ts'
import { readHistory } from './history.ts'

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1)
const STEPS = 60

function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[random.below(values.length)] ?? values[0]
}

/** Any manifest of one service: templates that come back, percents in and out of range, other modes and parts. */
function anyService(random: Random, deploymentMode: DesiredService['deploymentMode']): DesiredService {
  const model = pick(random, ['v1', 'v2', 'v3'])
  const percent = pick(random, [undefined, undefined, 0, 10, 50, 100, 150, -5])
  const transformer = random.below(4) === 0 ? { transformer: componentOf('transformer', 't1') } : {}
  const named = deploymentMode === 'Standard' && random.below(4) === 0
  const predictor = named ? canaryOf('b', 0, model).component : componentOf('predictor', model, percent)
  const canaries =
    deploymentMode === 'Standard' && random.below(2) === 0
      ? [canaryOf('a', pick(random, [0, 20, 60]), pick(random, ['v2', 'v3'])), canaryOf('c', 40, 'v1')]
      : []
  return serviceOf(model, percent, {
    deploymentMode,
    components: { predictor, ...transformer },
    canaries,
    tagRouting: random.below(2) === 0,
    ...(random.below(10) === 0 ? { failure: { reason: 'NoSupportingRuntime', message: 'none' } } : {}),
  })
}

describe.each(['Knative', 'Standard'] as const)('any sequence of manifests and readiness, %s', (mode) => {
  it.each(SEEDS)('keeps the service answered by revisions that were ready, seed %s', (seed) => {
    const random = new SeededRandom(seed)
    const story = new RolloutStory({ keep: random.below(3), strict: random.below(2) === 0 })
    const everReady = new Set<RevisionName>()
    let wasAnswered = false
    let desired = anyService(random, mode)
    for (let step = 0; step < STEPS; step += 1) {
      if (random.below(2) === 0) desired = anyService(random, mode)
      const result = story.apply(desired)
      const existing = new Set(result.revisions.map((revision) => revision.name))
      for (const route of result.routes) {
        const total = route.split.reduce((sum, target) => sum + target.percent, 0)
        expect(total, `${route.name} at step ${step}`).toBe(route.split.length === 0 ? 0 : 100)
        for (const { revision, percent } of route.split) {
          expect(percent).toBeGreaterThan(0)
          expect(everReady, `${route.name} at step ${step}`).toContain(revision)
          expect(existing, `${route.name} at step ${step}`).toContain(revision)
          expect(result.retired, `${route.name} at step ${step}`).not.toContain(revision)
        }
      }
      // Once it was answered (by a transformer only with a predictor behind it), it always is.
      const isServed = (name: string): boolean =>
        result.routes.some((route) => route.name === name && route.match === 'all' && route.split.length > 0)
      expect(isServed('ml/iris') || !wasAnswered, `ml/iris at step ${step}`).toBe(true)
      wasAnswered ||= isServed('ml/iris') && isServed('ml/iris-predictor')
      expect(readHistory(JSON.parse(JSON.stringify(result.history)))).toEqual(result.history)

      for (const revision of existing) {
        const chance = random.below(4)
        if (chance === 0) {
          story.ready(revision)
          everReady.add(revision)
        } else if (chance === 1) story.see(revision, {})
      }
    }
    expect(everReady.size).toBeGreaterThan(0)
  })
})
