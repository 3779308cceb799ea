import { describe, expect, it } from 'vitest'
import { componentOf, RolloutStory, serviceOf } from '../../test/support/rollout-story.ts'

function hostsOf(result: ReturnType<RolloutStory['apply']>): Record<string, readonly string[]> {
  return Object.fromEntries(result.routes.map((route) => [route.name, route.hosts]))
}

describe('the routes of a service', () => {
  it('are its own and its component’s, outside, inside and by path', () => {
    const result = new RolloutStory().deploy(serviceOf('v1'))
    expect(result.routes.map(({ name, hosts, pathPrefixes }) => ({ name, hosts, pathPrefixes }))).toEqual([
      {
        name: 'ml/iris',
        hosts: ['iris.ml.example.com', 'iris.ml.svc.cluster.local', 'iris.ml.svc', 'iris.ml'],
        pathPrefixes: ['/serving/ml/iris'],
      },
      {
        name: 'ml/iris-predictor',
        hosts: [
          'iris-predictor.ml.example.com',
          'iris-predictor.ml.svc.cluster.local',
          'iris-predictor.ml.svc',
          'iris-predictor.ml',
        ],
        pathPrefixes: ['/serving/ml/iris-predictor'],
      },
    ])
  })

  it('send explain requests to the explainer, and the rest to the predictor', () => {
    const result = new RolloutStory().deploy(
      serviceOf('v1', undefined, {
        components: { predictor: componentOf('predictor', 'v1'), explainer: componentOf('explainer', 'e1') },
      }),
    )
    expect(result.routes.map(({ name, match, component }) => [name, match, component])).toEqual([
      ['ml/iris', 'all', 'predictor'],
      ['ml/iris-predictor', 'all', 'predictor'],
      ['ml/iris-explain', 'explain', 'explainer'],
      ['ml/iris-explainer', 'all', 'explainer'],
    ])
    const [own, , explain] = result.routes
    expect(explain?.hosts).toEqual(own?.hosts)
  })

  it('give every tag a host of its own that leads to its revision alone', () => {
    const story = new RolloutStory()
    story.deploy(serviceOf('v1', undefined, { tagRouting: true }))
    const result = story.deploy(serviceOf('v2', 10, { tagRouting: true }))
    const tagged = result.routes.filter((route) => /\/(latest|prev)-/.test(route.name))
    expect(tagged.map(({ hosts, split }) => [hosts[0], split])).toEqual([
      [
        'latest-iris-predictor.ml.example.com',
        [{ revision: 'ml/iris-predictor-00002', percent: 100, tag: 'latest' }],
      ],
      [
        'prev-iris-predictor.ml.example.com',
        [{ revision: 'ml/iris-predictor-00001', percent: 100, tag: 'prev' }],
      ],
    ])
  })

  it('have no public host when the service is cluster-local, and its url is the inner one', () => {
    const result = new RolloutStory().deploy(serviceOf('v1', undefined, { clusterLocal: true }))
    expect(hostsOf(result)['ml/iris']).toEqual(['iris.ml.svc.cluster.local', 'iris.ml.svc', 'iris.ml'])
    expect(result.status.url).toBe('http://iris.ml.svc.cluster.local')
  })

  it('carry the service’s stickiness', () => {
    const sticky = { from: 'header', name: 'X-User' } as const
    const result = new RolloutStory().deploy(serviceOf('v1', undefined, { sticky }))
    expect(result.routes.every((route) => route.sticky === sticky)).toBe(true)
  })
})
