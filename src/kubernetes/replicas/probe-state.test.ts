import { describe, expect, it } from 'vitest'
import { revisionOf } from '../../../test/support/revisions.ts'
import { SeededRandom } from '../../core/random.ts'
import { atMs, condition, container, pod, running, waiting } from './fake-pods.ts'
import type { Pod } from './pod.ts'
import { probeStateAfter, type ProbeState } from './probe-state.ts'
import { replicaOf } from './replica-of.ts'

const NOW_MS = atMs(600)
const GATE = 'example.com/gate'
const revision = revisionOf('ml/iris-00001')

type Event =
  | 'stop'
  | 'start'
  | 'kubelet says True'
  | 'kubelet says False'
  | 'we hear yes'
  | 'gate opens'
  | 'gate shuts'
const EVENTS: readonly Event[] = [
  'stop',
  'start',
  'kubelet says True',
  'kubelet says False',
  'we hear yes',
  'gate opens',
  'gate shuts',
]

/** One pod through its life: what its kubelet and we say of it, event by event. */
class Story {
  readonly #hasProbe: boolean
  #restartCount = -1
  #isRunning = false
  #kubelet = 'False'
  #gate = 'True'
  #seen: ProbeState | undefined

  constructor(hasProbe: boolean) {
    this.#hasProbe = hasProbe
  }

  tell(event: Event): void {
    switch (event) {
      case 'stop':
        this.#isRunning = false
        this.#kubelet = 'False'
        break
      case 'start':
        this.#restartCount += 1
        this.#isRunning = true
        this.#kubelet = 'False'
        break
      case 'kubelet says True':
        if (this.#isRunning) this.#kubelet = 'True'
        break
      case 'kubelet says False':
        this.#kubelet = 'False'
        break
      case 'we hear yes':
        if (this.#isRunning && this.#seen !== undefined) this.#seen = { ...this.#seen, yesAtMs: NOW_MS }
        break
      case 'gate opens':
        this.#gate = 'True'
        break
      case 'gate shuts':
        this.#gate = 'False'
        break
      default:
        event satisfies never
    }
    this.#seen = probeStateAfter(this.#pod(), this.#seen)
  }

  isReady(): boolean {
    return replicaOf(this.#pod(), revision, this.#seen, NOW_MS)?.phase === 'ready'
  }

  #pod(): Pod {
    const probe = this.#hasProbe ? { readinessProbe: { tcpSocket: { port: 8080 } } } : {}
    const parts = { restartCount: Math.max(0, this.#restartCount) }
    return pod({
      spec: { containers: [container(probe)], readinessGates: [{ conditionType: GATE }] },
      status: {
        phase: 'Running',
        podIP: '10.0.0.7',
        // The condition is as old as the pod, whatever it says: these tests are about what was seen.
        conditions: [condition('Ready', this.#kubelet), condition(GATE, this.#gate)],
        containerStatuses: [this.#isRunning ? running(10, parts) : waiting('ContainerCreating', '', parts)],
      },
    })
  }
}

/** The rule, read off the whole history instead of a state. */
function shouldBeReady(history: readonly Event[], hasProbe: boolean): boolean {
  const start = history.lastIndexOf('start')
  if (start < 0 || history.lastIndexOf('stop') > start) return false
  if (history.lastIndexOf('gate shuts') > history.lastIndexOf('gate opens')) return false
  const since = history.slice(start)
  const hasYes = since.includes('we hear yes')
  const saidTrue = since.includes('kubelet says True')
  if (!saidTrue) return hasYes
  const isTrueNow = since.lastIndexOf('kubelet says True') > since.lastIndexOf('kubelet says False')
  return isTrueNow && (hasProbe || hasYes)
}

describe('readiness', () => {
  it.each([true, false])(
    'follows its rule through 400 random lives, with a readiness probe: %s',
    (hasProbe) => {
      let readyCount = 0
      for (let seed = 1; seed <= 400; seed += 1) {
        const random = new SeededRandom(seed)
        const story = new Story(hasProbe)
        const history: Event[] = []
        for (let step = 0; step < 25; step += 1) {
          const event = EVENTS[Math.floor(random.next() * EVENTS.length)]!
          history.push(event)
          story.tell(event)
          const expected = shouldBeReady(history, hasProbe)
          expect(story.isReady(), `seed ${seed}: ${history.join(', ')}`).toBe(expected)
          if (expected) readyCount += 1
        }
      }
      expect(readyCount).toBeGreaterThan(500)
    },
  )

  it.each<[Event[], boolean]>([
    [['start'], false],
    [['start', 'we hear yes'], true],
    [['start', 'we hear yes', 'kubelet says False'], true],
    [['start', 'we hear yes', 'kubelet says True', 'kubelet says False'], false],
    [['start', 'kubelet says True', 'kubelet says False', 'we hear yes'], false],
    [['start', 'kubelet says True', 'kubelet says False', 'kubelet says True'], true],
    [['start', 'we hear yes', 'stop', 'start'], false],
    [['start', 'kubelet says True', 'kubelet says False', 'stop', 'start', 'we hear yes'], true],
    [['start', 'we hear yes', 'gate shuts'], false],
  ])('after %j is %s', (events, isReady) => {
    const story = new Story(true)
    for (const event of events) story.tell(event)
    expect(story.isReady()).toBe(isReady)
  })
})

describe('probeStateAfter', () => {
  const up = (ready: ReturnType<typeof condition>) =>
    pod({
      status: { phase: 'Running', podIP: '10.0.0.7', conditions: [ready], containerStatuses: [running(10)] },
    })

  it.each([
    ['False', 1, false],
    ['False', 11, false],
    ['False', 12, true],
    ['True', 11, true],
  ])('of a pod first seen with Ready=%s since second %i: said ready = %s', (status, second, saidReady) => {
    expect(probeStateAfter(up(condition('Ready', status, second)), undefined).kubeletSaidReady).toBe(
      saidReady,
    )
  })

  it('is the same object when nothing is new', () => {
    const state = probeStateAfter(up(condition('Ready', 'False')), undefined)
    expect(probeStateAfter(up(condition('Ready', 'False')), state)).toBe(state)
  })

  it('counts the start of a sidecar as another start', () => {
    const withProxy = (restartCount: number) =>
      pod({
        spec: { containers: [container(), container({ name: 'proxy' })] },
        status: {
          phase: 'Running',
          containerStatuses: [running(10), running(10, { name: 'proxy', restartCount })],
        },
      })
    const before = { ...probeStateAfter(withProxy(0), undefined), yesAtMs: NOW_MS }
    expect(probeStateAfter(withProxy(0), before).yesAtMs).toBe(NOW_MS)
    expect(probeStateAfter(withProxy(1), before).yesAtMs).toBeUndefined()
  })
})
