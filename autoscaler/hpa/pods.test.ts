import { describe, expect, it } from 'vitest'
import { readyPods } from './fake-pods.ts'
import { classifyPods, readyPodsOf, type HpaPod } from './pods.ts'

const MINUTE_MS = 60_000

/** The class of one pod with a sample that was taken now over 30 s, 5 minutes being the initialisation period. */
function classOf(changed: Partial<HpaPod>, resource = 'cpu') {
  const pods = readyPods(1, changed)
  const samples = new Map([['p0', { value: 1n, atMs: 0, windowMs: 30_000 }]])
  const times = { nowMs: 0, cpuInitializationPeriodMs: 5 * MINUTE_MS, initialReadinessDelayMs: 30_000 }
  const { ready, unready, ignored } = classifyPods(pods, samples, { ...times, resource })
  if (ready === 1) return 'ready'
  if (unready.length === 1) return 'unready'
  return ignored.length === 1 ? 'ignored' : 'missing'
}

function readiness(status: 'True' | 'False' | 'Unknown', transitionMs: number) {
  return { ready: { status, transitionMs } }
}

describe('a pod', () => {
  it.each([
    [{ deleted: true, phase: 'Pending' }, 'ignored'],
    [{ phase: 'Failed' }, 'ignored'],
    [{ phase: 'Pending' }, 'unready'],
    [{ phase: 'Succeeded' }, 'ready'],
    [{ ready: null }, 'unready'],
    [{ startMs: null }, 'unready'],
  ])('with %j is %s', (changed, expected) => {
    expect(classOf(changed)).toBe(expected)
  })

  it('without a sample is missing', () => {
    const times = { nowMs: 0, cpuInitializationPeriodMs: 0, initialReadinessDelayMs: 0 }
    const classes = classifyPods(readyPods(2), new Map(), { ...times, resource: 'cpu' })
    expect(classes).toEqual({ ready: 0, unready: [], missing: ['p0', 'p1'], ignored: [] })
  })

  it.each([
    ['True', -30_001, 'ready'],
    ['True', -30_000, 'ready'],
    ['True', -29_999, 'unready'],
    ['Unknown', -30_000, 'ready'],
    ['False', -60_000, 'unready'],
  ] as const)('that started a minute ago, %s since %s ms, is %s', (status, transitionMs, expected) => {
    expect(classOf({ startMs: -MINUTE_MS, ...readiness(status, transitionMs) })).toBe(expected)
  })

  it('is starting for the initialisation period, and not a moment longer', () => {
    const late = readiness('True', -1)
    expect(classOf({ startMs: -5 * MINUTE_MS + 1, ...late })).toBe('unready')
    expect(classOf({ startMs: -5 * MINUTE_MS, ...late })).toBe('ready')
  })

  it('that is not ready counts, once it may have been ready before', () => {
    const startMs = -10 * MINUTE_MS
    expect(classOf({ startMs, ...readiness('False', startMs + 29_999) })).toBe('unready')
    expect(classOf({ startMs, ...readiness('False', startMs + 30_000) })).toBe('ready')
  })

  it('that is starting has a memory and metrics of its own that count', () => {
    const fresh = { startMs: -1000, ...readiness('False', -1000) }
    expect(classOf(fresh, 'memory')).toBe('ready')
    expect(classOf(fresh, 'a metric of its own')).toBe('ready')
  })

  it('shares a metric of the whole when it runs and is ready, even if it is on its way out', () => {
    expect(
      readyPodsOf([
        ...readyPods(1, { deleted: true }),
        ...readyPods(1, { phase: 'Succeeded' }),
        ...readyPods(1, { ready: null }),
        ...readyPods(1, readiness('Unknown', 0)),
      ]),
    ).toBe(1)
  })
})
