import { beforeEach, describe, expect, it } from 'vitest'
import { defaultAutoscalerConfig, policyOf } from '../../autoscaler/index.ts'
import { revisionOf } from '../../test/support/revisions.ts'
import { noMetricSources } from '../core/measurements.ts'
import { ManualClock } from '../core/manual-clock.ts'
import { silentLog, silentMetrics } from '../core/telemetry.ts'
import { RevisionScaler } from './revision-scaler.ts'

const REVISION = revisionOf('ml/iris-predictor-00001')
const annotations = { 'autoscaling.knative.dev/initial-scale': '0' }

describe('RevisionScaler', () => {
  let clock: ManualClock
  let calls: string[]
  /** The cluster's next answers; by default it accepts. */
  let answers: Promise<void>[]

  beforeEach(() => {
    clock = new ManualClock(1_700_000_000_000)
    calls = []
    answers = []
  })

  function open(): RevisionScaler {
    const policy = policyOf({
      annotations,
      containerConcurrency: 0,
      class: 'kpa',
      config: { ...defaultAutoscalerConfig, allowZeroInitialScale: true },
    })
    return new RevisionScaler(
      REVISION,
      { policy, everReady: true, ready: 0 },
      {
        clock,
        cluster: {
          scale: (_revision, replicas) => {
            calls.push(`scale ${replicas}`)
            return answers.shift() ?? Promise.resolve()
          },
          retire: () => {
            calls.push('retire')
            return answers.shift() ?? Promise.resolve()
          },
        },
        bus: { letGo: () => Promise.resolve(true), keep: () => {} },
        sources: noMetricSources,
        log: silentLog,
        metrics: silentMetrics,
        signal: new AbortController().signal,
      },
    )
  }

  async function asleep(): Promise<RevisionScaler> {
    const scaler = open()
    wake(scaler)
    await idle(scaler)
    expect(scaler.isAsleep).toBe(true)
    calls.length = 0
    return scaler
  }

  function wake(scaler: RevisionScaler): void {
    const { name: revision } = REVISION
    const report = { concurrency: 3, requests: 3, waiting: 3, inFlight: 0 }
    scaler.record({ gateway: 'a', revision, atMs: clock.now(), ...report })
    scaler.decide()
  }

  /** Longer than any window. */
  async function idle(scaler: RevisionScaler): Promise<void> {
    for (let tick = 0; tick < 90; tick += 1) {
      await clock.advance(2_000)
      scaler.decide()
    }
    await clock.advance(0)
  }

  it('takes over one that a gateway raised, and does not lower it at once', async () => {
    const scaler = await asleep()
    scaler.raised()
    expect([scaler.wanted, scaler.isAsleep]).toEqual([1, false])
    scaler.observe([], true)
    scaler.decide()
    await clock.advance(0)
    expect(calls).toEqual([])
  })

  it('lets one that a gateway raised go to sleep again when nobody asks', async () => {
    const scaler = await asleep()
    scaler.raised()
    await idle(scaler)
    expect(calls).toEqual(['scale 0'])
    expect(scaler.isAsleep).toBe(true)
  })

  it('hears nothing of a raise that it ordered itself, nor after it was retired', async () => {
    const scaler = await asleep()
    wake(scaler)
    const { wanted } = scaler
    expect(wanted).toBeGreaterThan(0)
    scaler.raised()
    expect(scaler.wanted).toBe(wanted)
    await scaler.retire()
    scaler.raised()
    expect(scaler.wanted).toBe(0)
  })

  it('tells the cluster that it is retired although it sleeps', async () => {
    const scaler = await asleep()
    expect(await scaler.retire()).toBe(true)
    expect(calls).toEqual(['retire'])
    expect(await scaler.retire()).toBe(true)
    expect(calls).toEqual(['retire'])
  })

  it('is asked again to retire while the cluster refuses', async () => {
    const scaler = await asleep()
    answers = [Promise.reject(new Error('no'))]
    expect(await scaler.retire()).toBe(false)
    expect(await scaler.retire()).toBe(true)
    expect(calls).toEqual(['retire', 'retire'])
  })

  it('says nothing more once another one has its revision', async () => {
    const scaler = open()
    const refused = Promise.withResolvers<void>()
    answers = [refused.promise]
    wake(scaler)
    expect(await scaler.retire()).toBe(false)
    scaler.abandon()
    refused.resolve()
    await clock.advance(0)
    expect(await scaler.retire()).toBe(true)
    expect(calls).toHaveLength(1)
  })
})
