import { describe, expect, it } from 'vitest'
import type { ReplicaName } from '../../core/names.ts'
import { SeededRandom } from '../../core/random.ts'
import { choosePodsToEnd } from './choose-pods-to-end.ts'
import { condition, container, pod, running, at } from './fake-pods.ts'
import type { Pod } from './pod.ts'

interface Traits {
  readonly assigned?: boolean
  readonly phase?: string
  readonly ready?: number | undefined
  readonly cost?: string | undefined
  readonly restarts?: number
  readonly created?: number
  readonly deleted?: boolean
}

function podWith(name: string, traits: Traits): Pod {
  const {
    assigned = true,
    phase = 'Running',
    ready,
    cost,
    restarts = 0,
    created = 0,
    deleted = false,
  } = traits
  return pod({
    name,
    metadata: {
      creationTimestamp: at(created),
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
      ...(deleted ? { deletionTimestamp: at(60) } : {}),
    },
    spec: { nodeName: assigned ? 'a100' : '', containers: [container()] },
    status: {
      phase,
      conditions: ready === undefined ? [] : [condition('Ready', 'True', ready)],
      containerStatuses: [running(5, { restartCount: restarts })],
    },
  })
}

const chosen = (
  pods: readonly Pod[],
  count: number,
  inFlight: Readonly<Record<string, number>> = {},
): string[] => {
  const load = new Map(Object.entries(inFlight).map(([name, n]): [ReplicaName, number] => [`ml/${name}`, n]))
  return choosePodsToEnd(pods, count, load).map(({ metadata }) => metadata.name)
}

describe('choosePodsToEnd', () => {
  it.each<[string, Traits, Traits]>([
    ['not scheduled', { assigned: false, phase: 'Pending', cost: '9' }, { phase: 'Pending' }],
    ['pending', { phase: 'Pending', cost: '9' }, { phase: 'Unknown' }],
    ['unknown', { phase: 'Unknown', cost: '9' }, {}],
    ['not ready', { cost: '9' }, { ready: 30 }],
    ['a lower deletion cost', { ready: 30, cost: '-1000' }, { ready: 31 }],
    ['a cost that is no number is 0', { ready: 30, cost: '-1' }, { ready: 31, cost: '-01x' }],
    ['ready for a shorter time', { ready: 31 }, { ready: 30 }],
    ['more restarts', { ready: 30, restarts: 2 }, { ready: 30, restarts: 1, created: 3 }],
    ['newer', { ready: 30, created: 2 }, { ready: 30, created: 1 }],
  ])('takes first: %s', (_what, first, second) => {
    expect(chosen([podWith('second', second), podWith('first', first)], 1)).toEqual(['first'])
  })

  it('takes the idlest of those that are ready', () => {
    const pods = ['a', 'b', 'c'].map((name) => podWith(name, { ready: 30 }))
    expect(chosen(pods, 2, { a: 3, b: 1, c: 2 })).toEqual(['b', 'c'])
    expect(chosen(pods, 5, { a: 3, b: 1, c: 2 })).toEqual(['b', 'c', 'a'])
    expect(chosen(pods, 0)).toEqual([])
  })

  it('leaves out what does not count any more', () => {
    const pods = [
      podWith('a', { ready: 30 }),
      podWith('b', { deleted: true }),
      podWith('c', { phase: 'Failed' }),
      podWith('d', { phase: 'Succeeded' }),
    ]
    expect(chosen(pods, 3)).toEqual(['a'])
  })

  it('names those that the ReplicaSet controller takes once they are marked', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = new SeededRandom(seed)
      const oneOf = <T>(...values: T[]): T => values[Math.floor(random.next() * values.length)]!
      const pods = Array.from({ length: 8 }, (_, index) =>
        podWith(`p${index}`, {
          assigned: oneOf(true, true, false),
          phase: oneOf('Running', 'Running', 'Pending'),
          ready: oneOf(undefined, 30, 40),
          cost: oneOf(undefined, '5', '-5'),
          restarts: oneOf(0, 3),
          created: oneOf(1, 2, 3),
        }),
      )
      const inFlight = Object.fromEntries(pods.map(({ metadata }) => [metadata.name, oneOf(0, 1, 9)]))
      const count = oneOf(1, 3, 7)
      const going = chosen(pods, count, inFlight)
      const marked = pods.map((one) => (going.includes(one.metadata.name) ? withCost(one, '-1000') : one))
      // By the controller's four classes only: nothing after them may matter.
      const taken = marked.toSorted(byController).slice(0, count)
      expect(taken.map(({ metadata }) => metadata.name).sort(), `seed ${seed}`).toEqual(going.toSorted())
      // And asked again, with whatever load, the same are named.
      expect(chosen(marked, count, {}).toSorted(), `seed ${seed}`).toEqual(going.toSorted())
    }
  })
})

function withCost(one: Pod, cost: string): Pod {
  const annotations = { 'controller.kubernetes.io/pod-deletion-cost': cost }
  return { ...one, metadata: { ...one.metadata, annotations } }
}

/** The first four steps of the controller's comparison, written as it is written there. */
function byController(a: Pod, b: Pod): number {
  const isAssigned = (one: Pod) => (one.spec?.nodeName ?? '') !== ''
  if (isAssigned(a) !== isAssigned(b)) return isAssigned(a) ? 1 : -1
  const isPending = (one: Pod) => one.status?.phase === 'Pending'
  if (isPending(a) !== isPending(b)) return isPending(a) ? -1 : 1
  const isReady = (one: Pod) => one.status?.conditions?.some(({ type }) => type === 'Ready') === true
  if (isReady(a) !== isReady(b)) return isReady(a) ? 1 : -1
  const cost = (one: Pod) =>
    Number(one.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0)
  return cost(a) - cost(b)
}
