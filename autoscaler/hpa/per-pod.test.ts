import { describe, expect, it } from 'vitest'
import { readyPods } from './fake-pods.ts'
import { averageEstimate, utilizationEstimate, type PodsSeen } from './per-pod.ts'
import type { HpaPod, Sample } from './pods.ts'

/** What a test sees: samples of the first pods, in order, at tolerance 0.1. */
function seen(pods: readonly HpaPod[], values: readonly number[], resource?: string): PodsSeen {
  const samples = values.map((value, index): [string, Sample] => [
    `p${index}`,
    { value: BigInt(value), atMs: -15_000, windowMs: 30_000 },
  ])
  return {
    pods,
    samples: new Map(samples),
    resource,
    times: { nowMs: 0, cpuInitializationPeriodMs: 300_000, initialReadinessDelayMs: 30_000 },
    scale: { replicas: pods.length, tolerance: { down: 0.1, up: 0.1 } },
  }
}

const cpu = { resource: 'cpu', utilization: 50, podLevelResources: true }

describe('an average per pod', () => {
  it.each([
    [[10, 10, 10], 3, 'at the target'],
    [[11, 11, 11], 3, 'at the upper edge of the tolerance'],
    [Array.from({ length: 11 }, () => 9), 11, 'at the lower edge'],
    [[20, 20, 20], 6, 'at twice the target'],
    [[5, 5, 5], 2, 'at half of it, rounded up'],
    // 12.67 is cut to 12: 1.2 x 3, and not 1.27 x 3.
    [[12, 13, 13], 4, 'after the fraction of the average is cut'],
  ])('of %s at a target of 10 makes %s replicas: %s', (values, replicas) => {
    const pods = readyPods(values.length)
    expect(averageEstimate(seen(pods, values), 10n)).toMatchObject({ ok: true, replicas })
  })

  it('takes missing pods to be idle when the others are busy', () => {
    // 4 pods with 20 each and one without: 80 / 5 = 16, so 1.6 x 5.
    expect(averageEstimate(seen(readyPods(5), [20, 20, 20, 20]), 10n)).toMatchObject({ replicas: 8 })
  })

  it('takes missing pods to be at the target when the others are idle', () => {
    // 4 pods with 5 each and one with 10: 30 / 5 = 6, so 0.6 x 5.
    expect(averageEstimate(seen(readyPods(5), [5, 5, 5, 5]), 10n)).toMatchObject({ replicas: 3 })
  })

  it('does nothing where missing pods turn the direction', () => {
    // 15 of 10, with two silent pods 15 / 3 = 5 of 10.
    expect(averageEstimate(seen(readyPods(3), [15]), 10n)).toMatchObject({ replicas: 3, averageValue: 15n })
  })

  it('does not shrink because some pods are silent, though the rest is busy', () => {
    // 8 are ordered and 3 exist: 20 and 20 of 10 and one without make 40 / 3 = 13, 1.3 x 3 = 4, less than 8.
    const few = seen(readyPods(3), [20, 20])
    const ordered = { ...few, scale: { ...few.scale, replicas: 8 } }
    expect(averageEstimate(ordered, 10n)).toMatchObject({ replicas: 8 })
  })

  it('leaves out pods that go, fail or wait for a place', () => {
    const pods = [
      ...readyPods(2),
      { ...readyPods(1, { deleted: true })[0]!, name: 'p2' },
      { ...readyPods(1, { phase: 'Failed' })[0]!, name: 'p3' },
    ]
    expect(averageEstimate(seen(pods, [20, 20, 900, 900]), 10n)).toMatchObject({ replicas: 4 })
    const pending = { ...readyPods(1, { phase: 'Pending' })[0]!, name: 'p2' }
    // The pending one is on its way: 40 / 3 = 13, 1.3 x 3.
    expect(averageEstimate(seen([...readyPods(2), pending], [20, 20]), 10n)).toMatchObject({ replicas: 4 })
  })

  it('cannot be said without pods, and without a sample of a ready one', () => {
    expect(averageEstimate(seen([], [10]), 10n)).toEqual({
      ok: false,
      error: 'no pods returned by selector while calculating replica count',
    })
    expect(averageEstimate(seen(readyPods(1, { phase: 'Pending' }), [10]), 10n)).toEqual({
      ok: false,
      error: 'did not receive metrics for targeted pods (pods might be unready)',
    })
  })
})

describe('a share of the request', () => {
  it('is cut to whole percents before it is compared', () => {
    // 559 / 1000 is 55 % of a target of 50 %: 1.1, within the tolerance; 56 % is 1.12.
    expect(utilizationEstimate(seen(readyPods(2), [559, 559], 'cpu'), cpu)).toMatchObject({
      replicas: 2,
      utilization: 55,
      averageValue: 559n,
    })
    expect(utilizationEstimate(seen(readyPods(2), [560, 560], 'cpu'), cpu)).toMatchObject({ replicas: 3 })
  })

  it('leaves out the CPU of pods that just started, but not their memory', () => {
    const starting = { startMs: -60_000, ready: { status: 'True', transitionMs: -20_000 } as const }
    const fresh = readyPods(2, {
      ...starting,
      containers: [{ name: 'server', requests: { cpu: 1000, memory: 1000 } }],
    })
    expect(utilizationEstimate(seen(fresh, [900, 900], 'cpu'), cpu)).toMatchObject({ ok: false })
    const memory = { ...cpu, resource: 'memory' }
    expect(utilizationEstimate(seen(fresh, [900, 900], 'memory'), memory)).toMatchObject({ replicas: 4 })
  })

  it('takes missing pods to be at the target where that is above 100 %', () => {
    // Two of eight are at 1 %, the others count as 150 %: 112 / 150 = 0.75 x 8 (with 100 % it were 0.5 x 8).
    const target = { ...cpu, utilization: 150 }
    expect(utilizationEstimate(seen(readyPods(8), [15, 15], 'cpu'), target)).toMatchObject({ replicas: 6 })
  })

  it('cannot be said where one container asks for nothing', () => {
    const pods = [...readyPods(1), { ...readyPods(1)[0]!, name: 'p1', containers: [{ name: 'bare' }] }]
    expect(utilizationEstimate(seen(pods, [900, 900], 'cpu'), cpu)).toEqual({
      ok: false,
      error: 'missing request for cpu in container bare of Pod p1',
    })
  })

  it('is of the pod where the pod asks as a whole', () => {
    const pods = readyPods(2, { podRequests: { cpu: 2000 } })
    expect(utilizationEstimate(seen(pods, [900, 900], 'cpu'), cpu)).toMatchObject({ utilization: 45 })
    const without = { ...cpu, podLevelResources: false }
    expect(utilizationEstimate(seen(pods, [900, 900], 'cpu'), without)).toMatchObject({ utilization: 90 })
  })

  it('counts sidecars, and of a pod with requests of its own also what starting it takes', () => {
    const initContainers = [
      { name: 'proxy', requests: { cpu: 500 }, restartAlways: true },
      { name: 'download', requests: { cpu: 3500 } },
    ]
    const sidecar = readyPods(1, { initContainers })
    expect(utilizationEstimate(seen(sidecar, [750], 'cpu'), cpu)).toMatchObject({ utilization: 50 })
    const whole = readyPods(1, { initContainers, podRequests: { memory: 1 } })
    expect(utilizationEstimate(seen(whole, [1000], 'cpu'), cpu)).toMatchObject({ utilization: 25 })
  })
})
