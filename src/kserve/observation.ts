import type { Replica, ReplicaPhase } from '../core/replica.ts'

/** What the replicas of one revision look like now. */
export interface RevisionObservation {
  readonly readyReplicas: number
  /** Every replica that exists, whatever its phase. */
  readonly totalReplicas: number
  readonly failedReplicas: number
  /** The phase of the replica that is furthest on its way; undefined = there is none. */
  readonly phase: ReplicaPhase | undefined
  /** It starts with no replica (initial scale 0), so it counts as ready without one. */
  readonly readyWithoutReplicas: boolean
  /** The progress deadline passed before its first ready replica. */
  readonly gaveUp: boolean
  readonly lastFailure?: ReplicaFailure
  /** Why one that has not begun waits: there is no place for it. */
  readonly waitsFor?: ReplicaFailure
}

export interface ReplicaFailure {
  /** The replica's name without its namespace. */
  readonly replica: string
  readonly reason: NonNullable<Replica['reasonCode']>
  readonly message: string
  readonly exitCode?: number
  readonly restarts: number
  /** Epoch ms. */
  readonly atMs: number
}

/** A revision without replicas. */
export const noReplicas: RevisionObservation = {
  readyReplicas: 0,
  totalReplicas: 0,
  failedReplicas: 0,
  phase: undefined,
  readyWithoutReplicas: false,
  gaveUp: false,
}

const FURTHEST_FIRST: readonly ReplicaPhase[] = [
  'ready',
  'loading',
  'pulling',
  'scheduling',
  'failed',
  'draining',
]

/** Sums up the replicas of one revision; `gaveUp` and `readyWithoutReplicas` are the caller's to say. */
export function observationOf(
  replicas: readonly Replica[],
  judged: Pick<RevisionObservation, 'readyWithoutReplicas' | 'gaveUp'>,
): RevisionObservation {
  const failed = replicas
    .filter((replica) => replica.phase === 'failed')
    .toSorted((a, b) => b.sinceMs - a.sinceMs)
  const [last] = failed
  const waiting = replicas.find(({ phase, reasonCode }) => phase === 'scheduling' && reasonCode !== undefined)
  const phase = FURTHEST_FIRST.find((candidate) => replicas.some((replica) => replica.phase === candidate))
  return {
    readyReplicas: replicas.filter((replica) => replica.phase === 'ready').length,
    totalReplicas: replicas.length,
    failedReplicas: failed.length,
    phase,
    readyWithoutReplicas: judged.readyWithoutReplicas,
    gaveUp: judged.gaveUp,
    ...(last === undefined ? {} : { lastFailure: failureOf(last) }),
    ...(waiting === undefined ? {} : { waitsFor: failureOf(waiting) }),
  }
}

function failureOf(replica: Replica): ReplicaFailure {
  return {
    replica: replica.name.slice(replica.name.indexOf('/') + 1),
    reason: replica.reasonCode ?? 'Exited',
    message: replica.reason ?? 'the replica ended before it was ready',
    ...(replica.exitCode === undefined ? {} : { exitCode: replica.exitCode }),
    restarts: replica.restarts,
    atMs: replica.sinceMs,
  }
}
