import { describe, expect, it } from 'vitest'
import {
  canaryOf,
  componentOf,
  RolloutStory,
  serviceOf,
  sharesOf,
  templateOf,
} from '../../test/support/rollout-story.ts'

const V1 = 'ml/iris-predictor-00001'

function conditionOf(result: ReturnType<RolloutStory['apply']>, type: string) {
  return result.status.conditions?.find((condition) => condition.type === type)
}

describe('revisions that nobody uses', () => {
  it('are collected beyond the newest, but never one that a rollback needs', () => {
    const story = new RolloutStory({ keep: 1 })
    for (const model of ['v1', 'v2', 'v3']) story.deploy(serviceOf(model))
    const fourth = story.apply(serviceOf('v4'))
    expect(fourth.retired).toEqual([])
    story.ready('ml/iris-predictor-00004')
    const result = story.apply(serviceOf('v4'))
    expect(result.retired).toEqual([V1])
    expect(result.revisions.map(({ generation }) => generation)).toEqual([2, 3, 4])
    expect([...result.reachable]).toEqual(['ml/iris-predictor-00004'])
    expect(story.apply(serviceOf('v4')).retired).toEqual([])
  })

  it('stay where serving.knative.dev/no-gc says so', () => {
    const story = new RolloutStory({ keep: 0 })
    const annotations = { 'serving.knative.dev/no-gc': 'true' }
    for (const model of ['v1', 'v2', 'v3']) story.deploy(serviceOf(model, undefined, { annotations }))
    expect(story.apply(serviceOf('v3', undefined, { annotations })).revisions).toHaveLength(3)
    expect(story.apply(serviceOf('v3')).retired).toEqual([V1])
  })

  it('give their number to no other', () => {
    const story = new RolloutStory({ keep: 0 })
    for (const model of ['v1', 'v2', 'v3', 'v1']) story.deploy(serviceOf(model))
    expect(story.apply(serviceOf('v1')).status.components?.predictor?.latestReadyRevision).toBe(
      'iris-predictor-00004',
    )
  })
})

describe('a service with a transformer', () => {
  const withTransformer = serviceOf('v1', undefined, {
    components: { predictor: componentOf('predictor', 'v1'), transformer: componentOf('transformer', 't1') },
  })

  it('answers through it, and never through the predictor alone', () => {
    const story = new RolloutStory()
    story.apply(withTransformer)
    story.ready(V1)
    expect(sharesOf(story.apply(withTransformer), 'ml/iris')).toEqual({})
    story.ready('ml/iris-transformer-00001')
    const result = story.apply(withTransformer)
    expect(sharesOf(result, 'ml/iris')).toEqual({ 'ml/iris-transformer-00001': 100 })
    expect(sharesOf(result, 'ml/iris-predictor')).toEqual({ [V1]: 100 })
    expect(conditionOf(result, 'Ready')?.status).toBe('True')
    expect(conditionOf(result, 'TransformerRouteReady')).toMatchObject({ status: 'True', severity: 'Info' })
  })

  it('goes on with the predictor until an added transformer is ready, and again when it is removed', () => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    expect(sharesOf(story.apply(withTransformer), 'ml/iris')).toEqual({ [V1]: 100 })
    story.ready('ml/iris-transformer-00001')
    expect(sharesOf(story.apply(withTransformer), 'ml/iris')).toEqual({ 'ml/iris-transformer-00001': 100 })
    const removed = story.apply(serviceOf('v1'))
    expect(sharesOf(removed, 'ml/iris')).toEqual({ [V1]: 100 })
    expect(removed.retired).toEqual(['ml/iris-transformer-00001'])
    expect(story.apply(withTransformer).revisions.map(({ name }) => name)).toContain(
      'ml/iris-transformer-00002',
    )
  })
})

describe('canaries of Standard mode', () => {
  const standard = { deploymentMode: 'Standard' } as const
  const stable = componentOf('predictor', 'v1')
  const two = {
    ...stable,
    template: templateOf('v1', { 'autoscaling.knative.dev/min-scale': '2' }),
  }
  const withCanary = serviceOf('v1', undefined, {
    ...standard,
    components: { predictor: two },
    canaries: [canaryOf('v2', 20, 'v2')],
    spec: { canary: [{ trafficPercent: 20, predictor: { name: 'v2', minReplicas: 1 } }] },
  })

  it('get their percent and their replicas once they are ready', () => {
    const story = new RolloutStory()
    story.deploy({ ...withCanary, canaries: [] })
    const waiting = story.apply(withCanary)
    expect(sharesOf(waiting, 'ml/iris')).toEqual({ [V1]: 100 })
    expect(waiting.minScale.get(V1)).toBeUndefined()
    expect(conditionOf(waiting, 'CanaryPredictorReady')).toMatchObject({ reason: 'CanariesNotReady' })

    story.ready('ml/iris-v2-predictor-00001')
    const result = story.apply(withCanary)
    expect(sharesOf(result, 'ml/iris')).toEqual({ [V1]: 80, 'ml/iris-v2-predictor-00001': 20 })
    expect(Object.fromEntries(result.minScale)).toEqual({ [V1]: 1, 'ml/iris-v2-predictor-00001': 1 })
    expect(sharesOf(result, 'ml/iris-v2-predictor')).toEqual({ 'ml/iris-v2-predictor-00001': 100 })
    expect(result.status.canaryStatuses?.[0]).toMatchObject({ name: 'v2', ready: true, trafficPercent: 20 })
  })

  it('share with a stable split that a broken manifest holds', () => {
    const story = new RolloutStory()
    story.deploy(withCanary)
    story.deploy(serviceOf('v1', undefined, { ...standard, components: { predictor: two } }))
    story.deploy(serviceOf('v3', 10, standard))
    const failure = { reason: 'NoSupportingRuntime', message: 'none' } as const
    const canaries = [canaryOf('v2', 20, 'v2')]
    const broken = serviceOf('v3', undefined, { ...standard, canaries, failure })
    expect(sharesOf(story.apply(broken), 'ml/iris')).toEqual({ [V1]: 90, 'ml/iris-predictor-00002': 10 })
  })

  it('keep their revision when only the number of replicas changes, which is Knative’s reason for a new one', () => {
    const rescaled = (deploymentMode: 'Knative' | 'Standard') => {
      const story = new RolloutStory()
      story.deploy(serviceOf('v1', undefined, { deploymentMode }))
      return story
        .apply(serviceOf('v1', undefined, { deploymentMode, components: { predictor: two } }))
        .revisions.map(({ generation, template }) => [
          generation,
          template.scaling.annotations['autoscaling.knative.dev/min-scale'],
        ])
    }
    expect(rescaled('Standard')).toEqual([[1, '2']])
    expect(rescaled('Knative')).toEqual([
      [1, '1'],
      [2, '2'],
    ])
  })

  it('take as many replicas as their percent of the stable ones, rounded up, if they do not say', () => {
    const story = new RolloutStory()
    const five = templateOf('v1', { 'autoscaling.knative.dev/min-scale': '5' })
    const result = story.deploy({
      ...withCanary,
      components: { predictor: { ...stable, template: five } },
      spec: { canary: [{ trafficPercent: 20, predictor: { name: 'v2' } }] },
      canaries: [canaryOf('v2', 30, 'v2')],
    })
    // ceil(5 * 30 %) = 2, and 5 - 2 = 3 stay.
    expect(Object.fromEntries(result.minScale)).toEqual({ [V1]: 3, 'ml/iris-v2-predictor-00001': 2 })
  })

  it('become the stable predictor under their own name without a new revision', () => {
    const story = new RolloutStory()
    story.deploy({ ...withCanary, canaries: [] })
    story.deploy(withCanary)
    const promoted = story.apply(
      serviceOf('v2', undefined, {
        ...standard,
        components: { predictor: canaryOf('v2', 0, 'v2').component },
      }),
    )
    expect(sharesOf(promoted, 'ml/iris')).toEqual({ 'ml/iris-v2-predictor-00001': 100 })
    expect(promoted.retired).toEqual([V1])
  })

  it('leave a predictor its traffic until the one with a new name is ready', () => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1', undefined, standard))
    const renamed = serviceOf('v2', undefined, {
      ...standard,
      components: { predictor: canaryOf('v2', 0, 'v2').component },
    })
    const waiting = story.apply(renamed)
    expect(sharesOf(waiting, 'ml/iris')).toEqual({ [V1]: 100 })
    expect(waiting.retired).toEqual([])
    story.ready('ml/iris-v2-predictor-00001')
    const result = story.apply(renamed)
    expect(sharesOf(result, 'ml/iris')).toEqual({ 'ml/iris-v2-predictor-00001': 100 })
    expect(result.retired).toEqual([V1])
  })

  it('are the only ones: canaryTrafficPercent is ours to honour, and KServe ignores it', () => {
    const shares = (strict: boolean): unknown => {
      const story = new RolloutStory({ strict })
      story.deploy(serviceOf('v1', undefined, standard))
      return sharesOf(story.deploy(serviceOf('v2', 10, standard)), 'ml/iris')
    }
    expect(shares(false)).toEqual({ [V1]: 90, 'ml/iris-predictor-00002': 10 })
    expect(shares(true)).toEqual({ 'ml/iris-predictor-00002': 100 })
  })
})

describe('a service that is stopped', () => {
  it('has nothing, says so, and comes back as a new revision', () => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    const stopped = story.apply(serviceOf('v1', undefined, { stopped: true }))
    expect(stopped).toMatchObject({ revisions: [], routes: [], retired: [V1] })
    expect(stopped.status).not.toHaveProperty('url')
    expect(conditionOf(stopped, 'Ready')).toMatchObject({ status: 'False', reason: 'Stopped' })
    expect(conditionOf(stopped, 'Stopped')).toMatchObject({ status: 'True' })
    const back = story.deploy(serviceOf('v1'))
    expect(sharesOf(back, 'ml/iris')).toEqual({ 'ml/iris-predictor-00002': 100 })
  })
})

describe('a manifest that cannot be served', () => {
  const failure = { reason: 'NoSupportingRuntime', message: 'no runtime found' } as const

  it('leaves what is there, and says why', () => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1'))
    const broken = story.apply(serviceOf('v2', undefined, { failure }))
    expect(sharesOf(broken, 'ml/iris')).toEqual({ [V1]: 100 })
    expect(broken.revisions.map(({ name }) => name)).toEqual([V1])
    expect(broken.status.modelStatus).toMatchObject({
      transitionStatus: 'InvalidSpec',
      states: { activeModelState: 'Loaded', targetModelState: 'FailedToLoad' },
      lastFailureInfo: failure,
    })
    expect(conditionOf(broken, 'Ready')).toMatchObject({ status: 'False', ...failure })
  })

  it('has no revision when it is the first', () => {
    const result = new RolloutStory().apply(serviceOf('v1', undefined, { failure }))
    expect(result.revisions).toEqual([])
    expect(result.routes.every((route) => route.split.length === 0)).toBe(true)
  })
})

describe('the time of a condition', () => {
  it('is that of its last change', () => {
    const story = new RolloutStory()
    const at = (type: string, result: ReturnType<RolloutStory['apply']>) =>
      conditionOf(result, type)?.lastTransitionTime
    const first = story.apply(serviceOf('v1'))
    expect(at('Ready', first)).toBe('2023-11-14T22:13:21Z')
    story.ready(V1)
    const ready = story.apply(serviceOf('v1'))
    expect(at('Ready', ready)).toBe('2023-11-14T22:13:22Z')
    const later = story.apply(serviceOf('v1'))
    expect(at('Ready', later)).toBe('2023-11-14T22:13:22Z')
    expect(at('Stopped', later)).toBe('2023-11-14T22:13:21Z')
  })
})
