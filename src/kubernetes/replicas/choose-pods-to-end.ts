import { qualified, type ReplicaName } from '../../core/names.ts'
import { ANNOTATIONS } from '../names.ts'
import { conditionOf, isTrue, msOf, partsOf, type Pod } from './pod.ts'

/**
 * Which pods of one ReplicaSet go first when it is scaled down by `count`: in the order of its controller, and among
 * those that are ready the idlest. Once they are marked with a deletion cost below all others, the controller takes
 * exactly these, as long as no pod has passed to an earlier class in between (not scheduled, pending, not ready): ask
 * again before the number is written, and mark what is new. A pod that is marked already is chosen again.
 *
 * Source: the order of Kubernetes' ReplicaSet controller, ActivePodsWithRanks in pkg/controller/controller_utils.go.
 * @param inFlight requests on each replica; one that is not in it has none.
 */
export function choosePodsToEnd<P extends Pod>(
  pods: Iterable<P>,
  count: number,
  inFlight: ReadonlyMap<ReplicaName, number>,
): readonly P[] {
  const ranked = [...pods].filter(isActive).map((pod) => ({ pod, rank: rankOf(pod, inFlight) }))
  return ranked
    .sort((a, b) => compareRanks(a.rank, b.rank) || compareText(a.pod.metadata.name, b.pod.metadata.name))
    .slice(0, Math.max(0, count))
    .map(({ pod }) => pod)
}

/** Others do not count for the controller: they are ended, or on their way. */
function isActive({ metadata, status }: Pod): boolean {
  const phase = status?.phase
  return metadata.deletionTimestamp === undefined && phase !== 'Succeeded' && phase !== 'Failed'
}

const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

/** The smallest goes first, compared from the left. The first four are the controller's and come before all of ours. */
function rankOf(pod: Pod, inFlight: ReadonlyMap<ReplicaName, number>): readonly number[] {
  const { metadata, spec, status } = pod
  const ready = conditionOf(pod, 'Ready')
  const { serving, others } = partsOf(pod)
  const restarts = [serving, ...others].map((part) => part?.status?.restartCount ?? 0)
  return [
    (spec?.nodeName ?? '') === '' ? 0 : 1,
    PHASE_RANK[status?.phase ?? 'Pending'] ?? 0,
    isTrue(ready) ? 1 : 0,
    deletionCostOf(pod),
    inFlight.get(qualified(metadata.namespace ?? 'default', metadata.name)) ?? 0,
    // Ready for the shortest time, then most restarts, then the newest, as the controller has it.
    isTrue(ready) ? -(msOf(ready?.lastTransitionTime) ?? 0) : 0,
    -Math.max(...restarts),
    -(msOf(metadata.creationTimestamp) ?? 0),
  ]
}

/** A text that is no number counts as 0, as in the controller. */
function deletionCostOf({ metadata }: Pod): number {
  const text = metadata.annotations?.[ANNOTATIONS.deletionCost] ?? '0'
  return /^(?:0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
