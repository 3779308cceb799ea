import { expect, it } from 'vitest'
import type { Report } from '../../core/report.ts'
import { GatewayLoad } from './gateway-load.ts'

const IRIS = 'ml/iris-predictor-00001'

function report(gateway: string, waiting: number, inFlight: number): Report {
  return { gateway, revision: IRIS, atMs: 0, concurrency: 0, requests: 0, waiting, inFlight }
}

it('sums up what the threads of a process say, each with its newest report', () => {
  const load = new GatewayLoad()
  load.record([report('gateway-1', 5, 1), report('gateway-2', 2, 3)])
  load.record([report('gateway-1', 0, 4)])
  expect([load.waiting(IRIS), load.inFlight(IRIS), load.isWaitedFor(IRIS)]).toEqual([2, 7, true])
})

it('waits from the wake-up until a report says that nobody does', () => {
  const load = new GatewayLoad()
  expect(load.isWaitedFor(IRIS)).toBe(false)
  load.wake(IRIS)
  expect(load.isWaitedFor(IRIS)).toBe(true)
  load.record([report('gateway', 0, 1)])
  expect(load.isWaitedFor(IRIS)).toBe(false)
})

it('forgets revisions that are gone', () => {
  const load = new GatewayLoad()
  load.record([report('gateway', 1, 1)])
  load.wake(IRIS)
  load.retain(new Set())
  expect([load.waiting(IRIS), load.isWaitedFor(IRIS)]).toEqual([0, false])
})
