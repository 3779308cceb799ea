import { conditionOf, isRunning, isTrue, msOf, partsOf, type Pod, type PodParts } from './pod.ts'

/**
 * What is remembered of one start of a pod's containers, beside what the pod says now:
 *
 *     asked by us: no, no, yes       the yes counts ...
 *     kubelet:     -             ... until it has said Ready=True: from then on only its word counts
 *
 * A container that is started again is another start: everything is forgotten. So is it when its node is given up.
 */
export interface ProbeState {
  /** Which start; undefined: the serving container does not run. */
  readonly start: string | undefined
  /** When our own probe said yes, epoch ms. */
  readonly yesAtMs?: number
  /** What our own probe answers, once it takes long. */
  readonly no?: string
  /** Whether the kubelet has said Ready=True of this start. */
  readonly kubeletSaidReady: boolean
}

/** The state after the pod was seen like this; the same object when nothing is new. */
export function probeStateAfter(pod: Pod, before: ProbeState | undefined): ProbeState {
  const parts = partsOf(pod)
  const isDoubted = isGivenUp(pod)
  const running = startOf(pod, parts)
  const start = running !== undefined && isDoubted ? `${running} without its node` : running
  const isSame = before !== undefined && before.start === start
  const kubeletSaidReady =
    start !== undefined && !isDoubted && ((isSame && before.kubeletSaidReady) || hasSaidReady(pod, parts))
  if (isSame) {
    return before.kubeletSaidReady === kubeletSaidReady ? before : { ...before, kubeletSaidReady }
  }
  return { start, kubeletSaidReady }
}

/**
 * The node controller has not heard of the node, and says Ready=False in the kubelet's place; the kubelet would have said
 * it of the containers, too. The node may be lost, or the API server was away and all nodes look so. We ask the pod
 * anew: traffic must not stop for want of a control plane.
 */
function isGivenUp(pod: Pod): boolean {
  const ready = conditionOf(pod, 'Ready')
  if (ready === undefined || isTrue(ready) || (pod.spec?.readinessGates ?? []).length > 0) return false
  return isTrue(conditionOf(pod, 'ContainersReady'))
}

/** Every container by its number of starts and its id: another value is another start of one of them. */
function startOf({ metadata }: Pod, { serving, others }: PodParts): string | undefined {
  if (serving === undefined || !isRunning(serving)) return undefined
  const ids = [serving, ...others].map(
    ({ status }) => `${status?.restartCount ?? 0} ${status?.containerID ?? ''}`,
  )
  return [metadata.uid ?? '', ...ids].join(' ')
}

/** A pod's times are whole seconds, and False may be written down within the second of the start. */
const WITHDRAWN_AFTER_START_MS = 2_000

/**
 * It says so now, or it did before we looked: a condition that turned False after the containers had been started
 * was True in between. (Until a start succeeds the condition is False from before that start.)
 */
function hasSaidReady(pod: Pod, { serving, others }: PodParts): boolean {
  const ready = conditionOf(pod, 'Ready')
  if (ready === undefined || isTrue(ready)) return isTrue(ready)
  const turnedMs = msOf(ready.lastTransitionTime)
  const startsMs = [serving, ...others].flatMap((part) => msOf(part?.status?.state?.running?.startedAt) ?? [])
  if (turnedMs === undefined || startsMs.length === 0) return false
  return turnedMs >= Math.max(...startsMs) + WITHDRAWN_AFTER_START_MS
}
