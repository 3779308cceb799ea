import type { DesiredService } from '../core/desired.ts'
import type { ReplicaPhase } from '../core/replica.ts'
import type { ModelState, ModelStatus } from '../core/status.ts'
import type { ComponentHistory } from './history.ts'
import type { ReplicaFailure, RevisionObservation } from './observation.ts'
import { rfc3339 } from '../core/clock.ts'
import { recordOf } from './rollout.ts'

const TRANSITION = {
  '': 'InProgress',
  Pending: 'InProgress',
  Standby: 'UpToDate',
  Loading: 'InProgress',
  Loaded: 'UpToDate',
  FailedToLoad: 'BlockedByFailedLoad',
} as const satisfies Record<ModelState, ModelStatus['transitionStatus']>

/** Which word of KServe's lastFailureInfo says what a replica's reason says. */
const FAILURE_REASON = {
  Unschedulable: 'RuntimeUnhealthy',
  StorageError: 'ModelLoadFailed',
  CommandNotFound: 'RuntimeUnhealthy',
  NoCommand: 'RuntimeUnhealthy',
  CrashLoopBackOff: 'ModelLoadFailed',
  ProbeFailed: 'RuntimeUnhealthy',
  Exited: 'ModelLoadFailed',
  OOMKilled: 'ModelLoadFailed',
  ImagePullBackOff: 'RuntimeUnhealthy',
  CreateContainerConfigError: 'RuntimeUnhealthy',
  Evicted: 'RuntimeUnhealthy',
  NodeLost: 'RuntimeUnhealthy',
} as const satisfies Record<ReplicaFailure['reason'], string>

/**
 * `status.modelStatus` of a predictor: how its newest revision's model does. At zero replicas KServe says
 * Pending and InProgress for ever (kserve/kserve#6079); we say Standby and UpToDate, unless `strict`.
 */
export function modelStatusOf(
  history: ComponentHistory | undefined,
  see: (revision: `${string}/${string}`) => RevisionObservation,
  options: { readonly strict: boolean; readonly failure: DesiredService['failure'] },
): ModelStatus {
  const active = activeState(history, see, options.strict)
  if (options.failure !== undefined) {
    return {
      transitionStatus: 'InvalidSpec',
      states: { activeModelState: active, targetModelState: 'FailedToLoad' },
      lastFailureInfo: { reason: options.failure.reason, message: options.failure.message },
    }
  }
  const latest = recordOf(history, history?.latestCreatedRevision)
  if (latest === undefined) return { transitionStatus: 'InProgress', states: states(active, 'Pending') }
  const seen = see(latest.revision.name)
  const target =
    latest.failure === undefined ? targetState(seen, latest.everReady, options.strict) : 'FailedToLoad'
  const failure = seen.lastFailure ?? (options.strict ? undefined : seen.waitsFor)
  const revisionName = latest.revision.name.slice(latest.revision.name.indexOf('/') + 1)
  const info = ((): ModelStatus['lastFailureInfo'] => {
    if (target === 'Loaded') return undefined
    if (failure !== undefined) {
      return {
        location: failure.replica,
        reason: FAILURE_REASON[failure.reason],
        message: failure.message,
        modelRevisionName: revisionName,
        time: rfc3339(failure.atMs),
        ...(failure.exitCode === undefined ? {} : { exitCode: failure.exitCode }),
      }
    }
    if (latest.failure === undefined) return undefined
    const { message, exitCode, atMs } = latest.failure
    return {
      reason: 'ModelLoadFailed',
      message,
      modelRevisionName: revisionName,
      time: rfc3339(atMs),
      ...(exitCode === undefined ? {} : { exitCode }),
    }
  })()
  return {
    transitionStatus: TRANSITION[target],
    states: states(active, target),
    ...(info === undefined ? {} : { lastFailureInfo: info }),
    copies: { failedCopies: seen.failedReplicas, totalCopies: seen.readyReplicas },
  }
}

const PHASE_STATE = {
  scheduling: 'Pending',
  pulling: 'Loading',
  loading: 'Loading',
  ready: 'Loaded',
  draining: 'Pending',
  failed: 'FailedToLoad',
} as const satisfies Record<ReplicaPhase, ModelState>

function targetState(seen: RevisionObservation, everReady: boolean, strict: boolean): ModelState {
  if (seen.readyReplicas > 0) return 'Loaded'
  // On its way to zero or there already: nothing is loaded, and nothing is wrong.
  if (seen.phase === undefined || seen.phase === 'draining')
    return everReady && !strict ? 'Standby' : 'Pending'
  // KServe says Loading while the model is fetched, and Pending again while it is loaded.
  if (strict && seen.phase === 'loading') return 'Pending'
  return PHASE_STATE[seen.phase]
}

/** Of the revision that has the traffic. KServe leaves it at Loaded once it was. */
function activeState(
  history: ComponentHistory | undefined,
  see: (revision: `${string}/${string}`) => RevisionObservation,
  strict: boolean,
): ModelState {
  const ready = history?.latestReadyRevision
  if (ready === undefined) return ''
  if (strict) return 'Loaded'
  const serving = [ready, ...(history?.traffic ?? []).map((target) => target.revision)]
  return serving.some((revision) => see(revision).readyReplicas > 0) ? 'Loaded' : 'Standby'
}

function states(activeModelState: ModelState, targetModelState: ModelState): ModelStatus['states'] & object {
  return { activeModelState, targetModelState }
}
