import type { DesiredCanary, DesiredService } from '../core/desired.ts'
import type { RevisionName } from '../core/names.ts'
import type { SplitTarget } from '../core/route.ts'
import { isLatestReady } from './conditions.ts'
import type { RolledComponent } from './conditions.ts'
import type { Rollout } from './rollout.ts'

const MIN_SCALE = 'autoscaling.knative.dev/min-scale'

/** What Standard mode's canaries take from the stable predictor. */
export interface CanaryShares {
  /** The stable predictor's split with the canaries in it. */
  readonly split: readonly SplitTarget[]
  readonly routed: readonly { readonly name: string; readonly revision: RevisionName }[]
  readonly minScale: ReadonlyMap<RevisionName, number>
}

/**
 * `spec.canary[]`: each canary that is ready has its percent, the stable predictor the rest. A canary has
 * minReplicas replicas, or its percent of the stable ones rounded up; the stable predictor gives up as many
 * as are ready, down to 1: of 2 with one canary of 20 %, both have 1.
 */
export function canariesShare(
  desired: DesiredService,
  stable: Rollout | undefined,
  canaries: readonly RolledComponent[],
): CanaryShares {
  const stableMin = minScaleOf(desired)
  const ready = desired.canaries.flatMap((canary, i) => {
    const rollout = canaries[i]?.rollout
    const revision = rollout?.history.latestReadyRevision
    return rollout === undefined || revision === undefined ? [] : [{ canary, rollout, revision }]
  })
  const sum = ready.reduce((total, { canary }) => total + canary.trafficPercent, 0)
  const isServed = stable !== undefined && stable.split.length > 0 && sum <= 100
  const canarySplit = ready.map(({ canary, revision }) => ({
    revision,
    percent: canary.trafficPercent,
    tag: canary.name,
  }))
  const stableSplit = scaled(stable?.split ?? [], 100 - sum)
  const split = isServed
    ? [...stableSplit, ...canarySplit].filter((target) => target.percent > 0)
    : (stable?.split ?? [])

  const minScale = new Map<RevisionName, number>()
  let taken = 0
  for (const [i, canary] of desired.canaries.entries()) {
    const rollout = canaries[i]?.rollout
    if (rollout === undefined) continue
    const replicas = canaryReplicas(desired, canary, stableMin)
    for (const revision of liveRevisions(rollout)) minScale.set(revision, replicas)
    if (isLatestReady(rollout)) taken += replicas
  }
  if (taken > 0 && stable !== undefined) {
    const left = Math.max(Math.min(1, stableMin), stableMin - taken)
    for (const revision of liveRevisions(stable)) minScale.set(revision, left)
  }
  const routed = ready.map(({ canary, revision }) => ({ name: canary.component.name, revision }))
  return { split, routed, minScale }
}

/** The same shares of less, in whole percents: 10 and 90 of 80 are 8 and 72; what is lost in rounding goes last. */
function scaled(split: readonly SplitTarget[], total: number): SplitTarget[] {
  let left = total
  return split.map((target, i) => {
    const percent = i === split.length - 1 ? left : Math.floor((target.percent * total) / 100)
    left -= percent
    return { ...target, percent }
  })
}

/** minReplicas of the canary as written: after the merge with the stable predictor it would be the stable's. */
function canaryReplicas(desired: DesiredService, canary: DesiredCanary, stableMin: number): number {
  const written: unknown = desired.spec['canary']
  const entries: readonly unknown[] = Array.isArray(written) ? written : []
  for (const entry of entries) {
    const predictor = field(entry, 'predictor')
    if (field(predictor, 'name') !== canary.name) continue
    const minReplicas = field(predictor, 'minReplicas')
    if (typeof minReplicas === 'number') return minReplicas
  }
  return Math.ceil((stableMin * canary.trafficPercent) / 100)
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([candidate]) => candidate === key)?.[1]
}

function minScaleOf(desired: DesiredService): number {
  const written = desired.components.predictor.template.scaling.annotations[MIN_SCALE]
  const parsed = written === undefined ? Number.NaN : Number(written)
  return Number.isInteger(parsed) && parsed >= 0 ? parsed : 1
}

function liveRevisions({ history }: Rollout): Set<RevisionName> {
  const live = new Set(history.traffic.map((target) => target.revision))
  if (history.latestCreatedRevision !== undefined) live.add(history.latestCreatedRevision)
  return live
}
