import type { Replica } from '../../core/replica.ts'
import { conditionOf, isRunning, isTrue, type Part, type Pod, type PodParts } from './pod.ts'
import type { ProbeState } from './probe-state.ts'

/** Why a pod whose containers have been started does not take requests. */
export type NotReady = Pick<Replica, 'reason' | 'reasonCode'>

/**
 * Whether a pod takes requests; undefined for a yes. Its readiness gates and sidecars have to agree, and then:
 * - once the kubelet has said Ready=True of this start, its word: False takes the pod out, only True brings it back;
 * - until then our own yes;
 * - where the serving container has no readiness probe the kubelet's True only means that it runs: our own yes as well.
 */
export function notReady(pod: Pod, parts: PodParts, state: ProbeState): NotReady | undefined {
  const missing = missingSidecar(parts.others) ?? missingGate(pod)
  if (missing !== undefined) return { reason: missing }
  const ready = conditionOf(pod, 'Ready')
  if (state.kubeletSaidReady && !isTrue(ready)) {
    return { reasonCode: 'ProbeFailed', reason: ready?.message ?? 'the kubelet says that it is not ready' }
  }
  if (state.yesAtMs !== undefined || (isTrue(ready) && isAskedByKubelet(parts.serving))) return undefined
  return state.no === undefined ? {} : { reasonCode: 'ProbeFailed', reason: state.no }
}

/** Whether our own yes could make a difference. */
export function needsOwnYes(parts: PodParts, state: ProbeState): boolean {
  if (state.start === undefined || state.yesAtMs !== undefined) return false
  return !state.kubeletSaidReady || !isAskedByKubelet(parts.serving)
}

function isAskedByKubelet(part: Part | undefined): boolean {
  return part?.container.readinessProbe !== undefined
}

function missingSidecar(others: readonly Part[]): string | undefined {
  const missing = others.find((part) => {
    return !isRunning(part) || (isAskedByKubelet(part) && part.status?.ready !== true)
  })
  return missing === undefined ? undefined : `container ${missing.container.name} is not ready yet`
}

function missingGate(pod: Pod): string | undefined {
  const gates = pod.spec?.readinessGates ?? []
  const missing = gates.find(({ conditionType }) => !isTrue(conditionOf(pod, conditionType)))
  return missing === undefined
    ? undefined
    : `its readiness gate waits for the condition ${missing.conditionType}`
}
