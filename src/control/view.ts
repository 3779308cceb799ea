import type { Decision } from '../core/decision.ts'
import type { Problem } from '../core/desired.ts'
import type { ReplicaName, RevisionName } from '../core/names.ts'
import type { Replica, ReplicaPhase } from '../core/replica.ts'
import type { InferenceServiceStatus } from '../core/status.ts'

/** What the control plane shows and takes: the only thing that `src/admin` knows of it. */
export interface ControlPlane {
  /** Ready to serve: the configuration and the replicas were read once. */
  isReady(): boolean
  snapshot(): Snapshot
  /** The snapshot now and after each change, at most every 200 ms; ends when `signal` is aborted. */
  follow(signal: AbortSignal): AsyncIterable<Snapshot>
  /** The newest decisions of a revision, newest last, at most 1,000; undefined = no such revision. */
  decisions(revision: RevisionName): readonly Decision[] | undefined
}

/** Changes of the configuration through the API. */
export interface ManifestStore {
  /**
   * Takes one or more YAML documents as `kubectl apply` does. All are checked first; if one is refused, none is taken.
   * @throws ManifestRefused with one message per refused document.
   */
  apply(yaml: string): Promise<readonly AppliedObject[]>
  /** @throws ObjectNotFound */
  remove(kind: string, namespace: string, name: string): Promise<void>
  /** Sets, or with undefined deletes, `spec.predictor.canaryTrafficPercent`. @throws ObjectNotFound */
  setCanary(namespace: string, name: string, percent: number | undefined): Promise<void>
}

export interface AppliedObject {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly outcome: 'created' | 'configured' | 'unchanged'
  /** Remarks that did not stop it: a key that nothing reads, a metric that is not measured. */
  readonly warnings: readonly string[]
}

export class ManifestRefused extends Error {
  override readonly name = 'ManifestRefused'
}

export class ObjectNotFound extends Error {
  override readonly name = 'ObjectNotFound'
}

/** Log lines of replicas, oldest first, with their times. */
export interface ReplicaLogs {
  /** @throws ObjectNotFound */
  read(
    replica: ReplicaName,
    options: { readonly tailLines?: number; readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncIterable<string>
}

export interface Snapshot {
  readonly atMs: number
  readonly services: readonly InferenceServiceObject[]
  readonly routes: readonly RouteView[]
  readonly revisions: readonly RevisionView[]
  readonly replicas: readonly Replica[]
  readonly problems: readonly Problem[]
}

/** An InferenceService as `kubectl get -o json` shows it. */
export interface InferenceServiceObject {
  readonly apiVersion: 'serving.kserve.io/v1beta1'
  readonly kind: 'InferenceService'
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly generation: number
    /** RFC 3339. */
    readonly creationTimestamp: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly spec: Readonly<Record<string, unknown>>
  readonly status: InferenceServiceStatus
}

export interface RouteView {
  /** `ml-serving/sklearn-iris`, `ml-serving/sklearn-iris-predictor`, `ml-serving/prev-sklearn-iris-predictor`. */
  readonly name: string
  readonly hosts: readonly string[]
  readonly pathPrefixes: readonly string[]
  readonly match: 'explain' | 'all'
  readonly split: readonly {
    readonly revision: RevisionName
    readonly percent: number
    readonly tag?: string
  }[]
}

export interface RevisionView {
  readonly name: RevisionName
  readonly service: string
  readonly component: string
  readonly generation: number
  readonly createdAtMs: number
  /** Its share of its component's split, 0 to 100. */
  readonly trafficPercent: number
  readonly ready: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  /** What the last decision asked for, within its bounds. */
  readonly wanted: number
  readonly minScale: number
  /** 0 = no upper bound. */
  readonly maxScale: number
  readonly containerConcurrency: number
  readonly replicas: Readonly<Record<ReplicaPhase, number>>
  /** Requests in the queue, and on replicas. */
  readonly waiting: number
  readonly inFlight: number
  readonly lastDecision?: Decision
}
