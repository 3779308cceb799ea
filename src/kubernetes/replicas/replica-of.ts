import { qualified } from '../../core/names.ts'
import type { Replica } from '../../core/replica.ts'
import type { Revision } from '../../core/revision.ts'
import { isDraining, LABELS } from '../names.ts'
import { replicaPorts } from '../objects/index.ts'
import { failureOf, isStorageInitializer, podFailure, type Failure } from './pod-failure.ts'
import { notReady } from './pod-readiness.ts'
import { conditionOf, isRunning, isTrue, msOf, partsOf, type Pod, type PodParts } from './pod.ts'
import { probeStateAfter, type ProbeState } from './probe-state.ts'

/** What a phase shows, beside what every replica has. */
type Shown = Pick<Replica, 'phase'> & Failure

/** The revision that a pod says it belongs to. */
export function revisionNameOf({ metadata }: Pod): Revision['name'] | undefined {
  const label = metadata.labels?.[LABELS.revision]
  return label === undefined || label === '' ? undefined : qualified(metadata.namespace ?? 'default', label)
}

/**
 * A pod as a replica; undefined when it is none, or its revision is not known (yet).
 * @param seen what is remembered of it; undefined = nothing.
 * @param nowMs stands in where the pod does not say since when.
 */
export function replicaOf(
  pod: Pod,
  revision: Revision | undefined,
  seen: ProbeState | undefined,
  nowMs: number,
): Replica | undefined {
  const revisionName = revisionNameOf(pod)
  if (revisionName === undefined || revision === undefined) return undefined
  const { metadata, status } = pod
  const parts = partsOf(pod)
  const createdAtMs = msOf(metadata.creationTimestamp) ?? nowMs
  const { sinceMs = nowMs, phase, ...why } = shownOf(pod, parts, probeStateAfter(pod, seen), createdAtMs)
  const isStarted = phase === 'loading' || phase === 'ready' || phase === 'draining'
  const host = status?.podIP ?? ''
  return {
    name: qualified(metadata.namespace ?? 'default', metadata.name),
    revision: revisionName,
    phase,
    sinceMs,
    createdAtMs,
    ...(isStarted && host !== '' ? addressesOf(host, revision) : {}),
    ...why,
    restarts: restartsOf(parts),
  }
}

function addressesOf(host: string, revision: Revision): Pick<Replica, 'address' | 'grpcAddress'> {
  const { port, grpcPort } = replicaPorts(revision)
  return {
    address: { host, port },
    ...(grpcPort === undefined ? {} : { grpcAddress: { host, port: grpcPort } }),
  }
}

function shownOf(pod: Pod, parts: PodParts, state: ProbeState, createdAtMs: number): Shown {
  const { metadata, spec, status = {} } = pod
  if (metadata.deletionTimestamp !== undefined) {
    const deadlineMs = msOf(metadata.deletionTimestamp)
    const graceMs = (metadata.deletionGracePeriodSeconds ?? 0) * 1_000
    return { phase: 'draining', ...since(deadlineMs === undefined ? undefined : deadlineMs - graceMs) }
  }
  if (status.phase === 'Failed') return { phase: 'failed', ...podFailure(status, parts) }
  // Containers of a replica are not meant to end, whatever they ended with.
  if (status.phase === 'Succeeded') {
    return { phase: 'failed', ...(failureOf(parts) ?? { reasonCode: 'Exited', reason: 'the pod ended' }) }
  }
  if (status.phase === 'Unknown' || status.reason === 'NodeLost') {
    const reason = status.message ?? 'its node does not answer'
    return { phase: 'failed', reasonCode: 'NodeLost', reason }
  }
  // Preemption, eviction, a drained node: it is deleted next.
  const disruption = conditionOf(pod, 'DisruptionTarget')
  if (disruption !== undefined && isTrue(disruption)) {
    const reason = disruption.message ?? disruption.reason
    return {
      phase: 'draining',
      ...(reason === undefined ? {} : { reason }),
      ...since(msOf(disruption.lastTransitionTime)),
    }
  }
  if (isDraining(pod)) return { phase: 'draining' }
  if ((spec?.nodeName ?? '') === '') return { sinceMs: createdAtMs, ...scheduling(pod) }

  const failure = failureOf(parts)
  if (failure !== undefined) return { phase: 'failed', ...failure }
  if (state.start === undefined || (status.podIP ?? '') === '') {
    const scheduledMs = msOf(conditionOf(pod, 'PodScheduled')?.lastTransitionTime)
    return { ...since(scheduledMs ?? createdAtMs), ...pulling(parts) }
  }
  const why = notReady(pod, parts, state)
  if (why === undefined) return { phase: 'ready', ...since(readySinceMs(pod, state)) }
  const startedAt = parts.serving?.status?.state?.running?.startedAt
  return { phase: 'loading', ...why, ...since(msOf(startedAt)) }
}

function scheduling(pod: Pod): Shown {
  const condition = conditionOf(pod, 'PodScheduled')
  if (condition?.status !== 'False') return { phase: 'scheduling' }
  const reason = condition.message ?? condition.reason
  return {
    phase: 'scheduling',
    reasonCode: 'Unschedulable',
    ...(reason === undefined ? {} : { reason }),
  }
}

function pulling({ init }: PodParts): Shown {
  const busy = init.find((part) => part.status?.state?.terminated === undefined && isRunning(part))
  if (busy === undefined) return { phase: 'pulling' }
  const { name } = busy.container
  const what = isStorageInitializer(busy) ? 'fetches the model' : 'has to end first'
  return { phase: 'pulling', reason: `init container ${name} ${what}` }
}

/** Our own yes came before the kubelet's, or there is only the kubelet's. */
function readySinceMs(pod: Pod, { yesAtMs }: ProbeState): number | undefined {
  return yesAtMs ?? msOf(conditionOf(pod, 'Ready')?.lastTransitionTime)
}

function since(sinceMs: number | undefined): Pick<Failure, 'sinceMs'> {
  return sinceMs === undefined ? {} : { sinceMs }
}

function restartsOf({ serving, others }: PodParts): number {
  return [serving, ...others].reduce((sum, part) => sum + (part?.status?.restartCount ?? 0), 0)
}
