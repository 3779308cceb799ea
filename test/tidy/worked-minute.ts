import { decide, defaultAutoscalerConfig, Demand, initialMemory, policyOf } from '../../autoscaler/index.ts'
import { qualified } from '../../src/core/names.ts'
import type { Report } from '../../src/core/report.ts'

/** The minute that docs/scaling.md works through, on the autoscaler itself. */

const CONTAINER_CONCURRENCY = 10
const TICK_S = 2
/** From the decision to the first answer of the readiness check. */
const START_S = 3
const LAST_S = 60

/** The manifest of the page, as the autoscaler reads it. */
const policy = policyOf({
  annotations: {
    'autoscaling.knative.dev/window': '20s',
    'autoscaling.knative.dev/min-scale': '0',
    'autoscaling.knative.dev/max-scale': '5',
  },
  containerConcurrency: CONTAINER_CONCURRENCY,
  class: 'kpa',
  config: defaultAutoscalerConfig,
})

/** Requests under way throughout the second that ends at `second`; at 0 the first one has just come. */
function loadIn(second: number): number {
  if (second === 0) return 1
  if (second <= 10) return 5
  if (second <= 20) return 40
  return second <= 30 ? 12 : 0
}

/**
 * A row a decision: second, what each second since the last row reported, ready replicas, requests waiting,
 * stable and panic average, mode, replicas decided, limits.
 */
export function workedMinute(): readonly (readonly string[])[] {
  const demand = new Demand(policy)
  const rows: string[][] = []
  let memory = initialMemory({ nowMs: 0, ready: 0, initialised: true })
  /** The second in which each replica is, or becomes, ready: oldest first. */
  let replicas: readonly number[] = []
  let reported: string[] = []
  for (let second = 0; second <= LAST_S; second += 1) {
    const nowMs = second * 1000
    const load = loadIn(second)
    const ready = replicas.filter((readyAt) => readyAt <= second).length
    // Gateways are silent about a revision that sleeps and that nobody asks for.
    const isReported = load > 0 || ready > 0
    if (isReported) demand.record(reportOf(nowMs, load, ready))
    reported.push(isReported ? String(load) : '-')
    if (second % TICK_S !== 0) continue

    const averages = demand.observe(nowMs, { silentIsIdle: ready === 0 && replicas.length > 0 })
    const { waiting } = demand.held(nowMs)
    const starting = replicas.length - ready
    const seen = { nowMs, ready, starting, waiting, reachable: true }
    const decided = decide(policy, { ...seen, stable: averages?.stable, panic: averages?.panic }, memory)
    memory = decided.memory
    const { decision } = decided
    const wanted = decision.replicas ?? replicas.length
    const added = Array.from({ length: Math.max(0, wanted - replicas.length) }, () => second + START_S)
    replicas = [...replicas.slice(0, wanted), ...added]
    rows.push([
      String(second),
      reported.join(', '),
      String(ready),
      String(waiting),
      rounded(decision.inputs.stable),
      rounded(decision.inputs.panic),
      decision.mode,
      decision.replicas === undefined ? '-' : String(decision.replicas),
      decision.limits.join('; '),
    ])
    reported = []
  }
  return rows
}

function reportOf(atMs: number, load: number, ready: number): Report {
  const inFlight = Math.min(load, ready * CONTAINER_CONCURRENCY)
  return {
    gateway: 'gateway-1',
    revision: qualified('ml-serving', 'burst-predictor-00001'),
    atMs,
    concurrency: load,
    requests: load,
    waiting: load - inFlight,
    inFlight,
  }
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100)
}
