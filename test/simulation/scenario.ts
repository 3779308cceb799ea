import type { DesiredService } from '../../src/core/desired.ts'
import type { RevisionTemplate } from '../../src/core/revision.ts'
import type { Random } from '../../src/core/random.ts'
import { serviceOf } from '../support/rollout-story.ts'
import { replicaTemplate } from '../support/revisions.ts'

/** How one version of a service is run: what its revision's template is made of. */
export interface Version {
  readonly number: number
  readonly minScale: number
  readonly maxScale: number
  readonly containerConcurrency: number
  /** Requests per replica aimed for, where containerConcurrency sets none. */
  readonly target: number
  readonly windowMs: number
  readonly retentionMs: number
  readonly initialScale: number
  /** Infinity: it never becomes ready. */
  readonly startUpMs: number
}

/** One service and what its clients do to it. */
export interface SimulatedService {
  readonly name: string
  /** Mean time of a request on a replica. */
  readonly answerMs: number
  /** Of clients that go away before they have their answer, 0 to 1. */
  readonly impatient: number
  /** What runs now and what ran before it, newest last. */
  versions: Version[]
  canaryPercent: number | undefined
  stopped: boolean
  generation: number
}

/** Everything that one seed decides before the first request. */
export interface Scenario {
  readonly services: readonly SimulatedService[]
  readonly depthMax: number
  readonly bytesMax: number
  readonly activationTimeoutMs: number
  /** Replicas that the cluster holds at one time. */
  readonly capacity: number
  readonly restartMs: number
  readonly progressDeadlineMs: number
  readonly keep: number
}

export const NAMESPACE = 'sim'

export function scenarioOf(random: Random): Scenario {
  const services = Array.from({ length: 2 + random.below(2) }, (_, index): SimulatedService => {
    const answerMs = pick(random, [20, 200, 1_000, 3_000])
    return {
      name: `model-${index}`,
      answerMs,
      impatient: pick(random, [0, 0.05, 0.3]),
      versions: [firstVersion(random)],
      canaryPercent: undefined,
      stopped: false,
      generation: 1,
    }
  })
  return {
    services,
    depthMax: pick(random, [5, 20, 100]),
    bytesMax: pick(random, [20_000, 1_000_000]),
    activationTimeoutMs: pick(random, [60_000, 120_000]),
    capacity: pick(random, [4, 8, Number.POSITIVE_INFINITY]),
    restartMs: pick(random, [0, 1_000, 10_000]),
    progressDeadlineMs: 120_000,
    keep: pick(random, [0, 2, 20]),
  }
}

function firstVersion(random: Random): Version {
  return {
    number: 1,
    minScale: pick(random, [0, 0, 1]),
    maxScale: 1 + random.below(4),
    containerConcurrency: pick(random, [0, 1, 2, 4, 8]),
    target: 1 + random.below(8),
    windowMs: pick(random, [6_000, 10_000, 30_000, 60_000]),
    retentionMs: pick(random, [0, 0, 15_000]),
    initialScale: pick(random, [0, 1, 1, 2]),
    startUpMs: pick(random, [50, 2_000, 20_000]),
  }
}

/** The next version of a service: another model, sometimes other limits, sometimes one that never starts. */
export function nextVersion(service: SimulatedService, random: Random): Version {
  const before = service.versions.at(-1) ?? firstVersion(random)
  const isBroken = random.next() < 0.15
  return {
    ...before,
    number: service.generation + 1,
    containerConcurrency: pick(random, [before.containerConcurrency, 0, 1, 4]),
    startUpMs: isBroken ? Number.POSITIVE_INFINITY : pick(random, [50, 2_000, 20_000]),
  }
}

/** The service as its manifest says it now. */
export function desiredOf(service: SimulatedService): DesiredService {
  const version = service.versions.at(-1)
  if (version === undefined) throw new Error(`${service.name} has no version`)
  return serviceOf('', undefined, {
    namespace: NAMESPACE,
    name: service.name,
    generation: service.generation,
    stopped: service.stopped,
    components: {
      predictor: {
        kind: 'predictor',
        name: `${service.name}-predictor`,
        template: templateOf(version),
        ...(service.canaryPercent === undefined ? {} : { canaryTrafficPercent: service.canaryPercent }),
      },
    },
  })
}

const KEY = 'autoscaling.knative.dev'

function templateOf(version: Version): RevisionTemplate {
  return {
    // The start-up time travels with the template: it belongs to the version, whenever a replica of it starts.
    replica: replicaTemplate({ args: [String(version.number), String(version.startUpMs)] }),
    limits: {
      containerConcurrency: version.containerConcurrency,
      timeoutMs: 0,
      responseStartTimeoutMs: 0,
      idleTimeoutMs: 0,
    },
    scaling: {
      class: 'kpa',
      annotations: {
        [`${KEY}/min-scale`]: String(version.minScale),
        [`${KEY}/max-scale`]: String(version.maxScale),
        [`${KEY}/initial-scale`]: String(version.initialScale),
        [`${KEY}/window`]: `${version.windowMs / 1000}s`,
        [`${KEY}/scale-to-zero-pod-retention-period`]: `${version.retentionMs / 1000}s`,
        ...(version.containerConcurrency === 0 ? { [`${KEY}/target`]: String(version.target) } : {}),
      },
    },
  }
}

export function startUpMsOf(template: RevisionTemplate): number {
  return Number(template.replica.args[1])
}

export function maxScaleOf(template: RevisionTemplate): number {
  return Number(template.scaling.annotations[`${KEY}/max-scale`])
}

export function initialScaleOf(template: RevisionTemplate): number {
  return Number(template.scaling.annotations[`${KEY}/initial-scale`])
}

export function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[random.below(choices.length)] ?? choices[0]
}

/** Exponential, as the gaps between the requests of many clients are. */
export function around(random: Random, meanMs: number): number {
  return -Math.log(1 - random.next()) * meanMs
}
