import {
  Demand,
  decide,
  defaultAutoscalerConfig,
  initialMemory,
  policyOf,
  type Policy,
} from '../../autoscaler/index.ts'
import { qualified } from '../../src/core/names.ts'
import type { Report } from '../../src/core/report.ts'

/** The manifest of docs/scaling.md, as the autoscaler reads it. */
const policy: Policy = policyOf({
  annotations: {
    'autoscaling.knative.dev/window': '20s',
    'autoscaling.knative.dev/min-scale': '0',
    'autoscaling.knative.dev/max-scale': '5',
  },
  containerConcurrency: 10,
  class: 'kpa',
  config: defaultAutoscalerConfig,
})

const CONTAINER_CONCURRENCY = 10
const TICK_S = 2
/** From the decision to the first answer of the readiness check. */
const START_S = 3
const LAST_S = 60

/** Requests under way throughout the second that ends at `second`. */
function loadIn(second: number): number {
  if (second <= 10) return 5
  if (second <= 20) return 40
  return second <= 30 ? 12 : 0
}

/** One line of the table in docs/scaling.md. */
export type WorkedRow = readonly string[]

/** One decision: what the seconds since the last one reported, what was known, and what came out. */
export function workedMinute(): readonly WorkedRow[] {
  const demand = new Demand(policy)
  let memory = initialMemory({ nowMs: 0, ready: 0, initialised: true })
  /** When each replica is, or becomes, ready: oldest first. */
  let readyAt: readonly number[] = []
  const rows: WorkedRow[] = []
  let reported: number[] = []
  for (let second = 0; second <= LAST_S; second += 1) {
    // The first request of a sleeping revision is reported at once; after that a report comes each second.
    const load = second === 0 ? 1 : loadIn(second)
    const ready = readyAt.filter((at) => at <= second).length
    const isHeard = ready > 0 || load > 0
    if (isHeard) demand.record(reportOf(second, load, ready))
    reported.push(isHeard ? load : Number.NaN)
    if (second % TICK_S !== 0) continue
    const averages = demand.observe(second * 1000, { silentIsIdle: ready === 0 && readyAt.length > 0 })
    const { waiting } = demand.held(second * 1000)
    const decided = decide(
      policy,
      {
        nowMs: second * 1000,
        ready,
        starting: readyAt.length - ready,
        stable: averages?.stable,
        panic: averages?.panic,
        waiting,
        reachable: true,
      },
      memory,
    )
    memory = decided.memory
    const { replicas = readyAt.length, mode, limits, inputs } = decided.decision
    readyAt =
      replicas <= readyAt.length
        ? readyAt.slice(0, replicas)
        : [...readyAt, ...Array.from({ length: replicas - readyAt.length }, () => second + START_S)]
    const load2 = reported.map((value) => (Number.isNaN(value) ? '-' : String(value))).join(', ')
    const averageCells = [inputs.stable, inputs.panic].map((value) => String(Math.round(value * 100) / 100))
    rows.push([
      String(second),
      load2,
      String(ready),
      String(waiting),
      ...averageCells,
      mode,
      decided.decision.replicas === undefined ? '-' : String(replicas),
      limits.join('; '),
    ])
    reported = []
  }
  return rows
}

function reportOf(second: number, load: number, ready: number): Report {
  const inFlight = Math.min(load, ready * CONTAINER_CONCURRENCY)
  return {
    gateway: 'gateway',
    revision: qualified('ml-serving', 'llm-predictor-00001'),
    atMs: second * 1000,
    concurrency: load,
    requests: load,
    waiting: load - inFlight,
    inFlight,
  }
}
