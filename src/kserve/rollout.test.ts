import { describe, expect, it } from 'vitest'
import { serviceOf, sharesOf, RolloutStory, templateOf } from '../../test/support/rollout-story.ts'
import type { ReconciledService } from './reconcile.ts'
import { sameTemplate } from './rollout.ts'

const V1 = 'ml/iris-predictor-00001'
const V2 = 'ml/iris-predictor-00002'
const V3 = 'ml/iris-predictor-00003'

/** The three columns of KServe's table of sequences. */
function row(result: ReconciledService): object {
  const status = result.status.components?.predictor
  return {
    traffic: status?.traffic?.map(
      (target) => `${target.tag ?? '-'}:${target.revisionName}=${target.percent}`,
    ),
    rolledOut: status?.latestRolledoutRevision,
    previous: status?.previousRolledoutRevision,
    split: sharesOf(result, 'ml/iris'),
  }
}

describe('the canary of a component', () => {
  it('gives the first revision everything', () => {
    const story = new RolloutStory()
    expect(row(story.apply(serviceOf('v1')))).toEqual({
      traffic: undefined,
      rolledOut: undefined,
      previous: undefined,
      split: {},
    })
    expect(row(story.deploy(serviceOf('v1')))).toEqual({
      traffic: ['-:iris-predictor-00001=100'],
      rolledOut: 'iris-predictor-00001',
      previous: undefined,
      split: { [V1]: 100 },
    })
  })

  it('gives a canary its percent once it is ready, and the rest to what was rolled out', () => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    expect(row(story.deploy(serviceOf('v2', 10)))).toEqual({
      traffic: ['-:iris-predictor-00002=10', 'prev:iris-predictor-00001=90'],
      rolledOut: 'iris-predictor-00001',
      previous: undefined,
      split: { [V2]: 10, [V1]: 90 },
    })
  })

  it('takes a canary back with 0', () => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    story.deploy(serviceOf('v2', 10))
    const back = story.apply(serviceOf('v2', 0))
    expect(row(back)).toEqual({
      traffic: ['-:iris-predictor-00002=0', 'prev:iris-predictor-00001=100'],
      rolledOut: 'iris-predictor-00001',
      previous: undefined,
      split: { [V1]: 100 },
    })
    expect([...back.reachable].toSorted()).toEqual([V1, V2])
  })

  it.each([undefined, 100])('promotes with canaryTrafficPercent %s', (percent) => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    story.deploy(serviceOf('v2', 10))
    expect(row(story.apply(serviceOf('v2', percent)))).toEqual({
      traffic: ['-:iris-predictor-00002=100'],
      rolledOut: 'iris-predictor-00002',
      previous: 'iris-predictor-00001',
      split: { [V2]: 100 },
    })
  })

  it.each([0, 10])('takes a full rollout back with %s', (percent) => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    story.deploy(serviceOf('v2'))
    const expected = {
      traffic: [`-:iris-predictor-00002=${percent}`, `prev:iris-predictor-00001=${100 - percent}`],
      rolledOut: 'iris-predictor-00001',
      previous: 'iris-predictor-00001',
      split: percent === 0 ? { [V1]: 100 } : { [V2]: percent, [V1]: 100 - percent },
    }
    expect(row(story.apply(serviceOf('v2', percent)))).toEqual(expected)
    // Nothing moves any more when it is looked at again.
    expect(row(story.apply(serviceOf('v2', percent)))).toEqual(expected)
  })

  it('gives a canary that is overtaken nothing', () => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    story.deploy(serviceOf('v2', 10))
    expect(row(story.apply(serviceOf('v3', 10)))).toMatchObject({ split: { [V2]: 10, [V1]: 90 } })
    story.ready(V3)
    expect(row(story.apply(serviceOf('v3', 10)))).toEqual({
      traffic: ['-:iris-predictor-00003=10', 'prev:iris-predictor-00001=90'],
      rolledOut: 'iris-predictor-00001',
      previous: undefined,
      split: { [V3]: 10, [V1]: 90 },
    })
  })

  it('splits the first revision with itself when the first deployment has a percent', () => {
    const story = new RolloutStory()
    expect(row(story.deploy(serviceOf('v1', 10)))).toEqual({
      traffic: ['-:iris-predictor-00001=10', 'prev:iris-predictor-00001=90'],
      rolledOut: 'iris-predictor-00001',
      previous: undefined,
      split: { [V1]: 100 },
    })
  })

  it.each([10, undefined])('keeps the old revision while the new one is not ready, percent %s', (percent) => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    const waiting = story.apply(serviceOf('v2', percent))
    expect(sharesOf(waiting, 'ml/iris')).toEqual({ [V1]: 100 })
    expect(waiting.revisions.map((revision) => revision.name)).toEqual([V1, V2])
    expect(waiting.reachable.has(V2)).toBe(true)
    expect(waiting.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('Unknown')
  })

  it.each([
    [
      150,
      'Traffic targets sum to 150, want 100: spec.traffic\nexpected 0 <= 150 <= 100: spec.traffic[0].percent',
    ],
    [
      -5,
      'expected 0 <= -5 <= 100: spec.traffic[0].percent\nexpected 0 <= 105 <= 100: spec.traffic[1].percent',
    ],
  ])('refuses %s percent with the words of Knative and leaves the traffic', (percent, message) => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    const refused = story.deploy(serviceOf('v2', percent))
    expect(row(refused)).toMatchObject({
      traffic: ['-:iris-predictor-00001=100'],
      split: { [V1]: 100 },
    })
    expect(refused.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'PredictorReady', status: 'False', message }),
    )
  })

  it('makes a new revision when it goes back to an older template', () => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    story.deploy(serviceOf('v2'))
    expect(row(story.deploy(serviceOf('v1')))).toMatchObject({
      rolledOut: 'iris-predictor-00003',
      split: { [V3]: 100 },
    })
  })

  it('stays ready at zero replicas, and is ready at once where it starts with none', () => {
    const story = new RolloutStory()
    story.see(V1, { readyWithoutReplicas: true })
    expect(sharesOf(story.apply(serviceOf('v1')), 'ml/iris')).toEqual({ [V1]: 100 })
    story.see(V1, {})
    const asleep = story.apply(serviceOf('v1'))
    expect(sharesOf(asleep, 'ml/iris')).toEqual({ [V1]: 100 })
    expect(asleep.status.modelStatus).toMatchObject({
      transitionStatus: 'UpToDate',
      states: { activeModelState: 'Standby', targetModelState: 'Standby' },
    })
  })

  it('tells why a revision was given up, and goes on if it becomes ready after all', () => {
    const story = new RolloutStory()
    story.apply(serviceOf('v1'))
    story.see(V1, {
      gaveUp: true,
      totalReplicas: 1,
      failedReplicas: 1,
      phase: 'failed',
      lastFailure: {
        replica: 'iris-predictor-00001-x',
        reason: 'Exited',
        message: 'no such model',
        exitCode: 3,
        restarts: 2,
        atMs: 0,
      },
    })
    const failed = story.apply(serviceOf('v1'))
    expect(failed.status.conditions?.find(({ type }) => type === 'PredictorReady')).toMatchObject({
      status: 'False',
      reason: 'RevisionFailed',
      message: 'Revision "iris-predictor-00001" failed with message: no such model.',
    })
    expect(failed.status.modelStatus).toMatchObject({
      transitionStatus: 'BlockedByFailedLoad',
      lastFailureInfo: {
        location: 'iris-predictor-00001-x',
        reason: 'ModelLoadFailed',
        message: 'no such model',
        exitCode: 3,
        time: '1970-01-01T00:00:00Z',
      },
    })
    story.ready(V1)
    expect(sharesOf(story.apply(serviceOf('v1')), 'ml/iris')).toEqual({ [V1]: 100 })
  })
})

describe('two templates', () => {
  it('are the same whatever the order of their keys', () => {
    const template = templateOf('v1', { x: '1', y: '2' })
    expect(sameTemplate(template, templateOf('v1', { y: '2', x: '1' }))).toBe(true)
    expect(sameTemplate(template, templateOf('v1', { x: '1', y: '3' }))).toBe(false)
    expect(sameTemplate(template, templateOf('v1', { x: '1' }))).toBe(false)
  })
})
