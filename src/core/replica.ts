import type { ReplicaName, RevisionName } from './names.ts'

/** Where a replica listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** How it is spoken to there. `h2` is HTTP/2 with prior knowledge, or by ALPN under TLS. */
export interface Transport {
  readonly protocol: 'http/1.1' | 'h2'
  readonly tls: boolean
}

/**
 * What a replica is doing:
 * - `scheduling`: waits for a place (a GPU, a node, a port)
 * - `pulling`: its model or image is being fetched
 * - `loading`: its process runs and does not answer its readiness check yet
 * - `ready`: takes requests
 * - `draining`: takes no new request, finishes those it has, then ends
 * - `failed`: its last start ended; it is tried again at `retryAtMs`
 */
export type ReplicaPhase = 'scheduling' | 'pulling' | 'loading' | 'ready' | 'draining' | 'failed'

/** One running instance of a revision. */
export interface Replica {
  readonly name: ReplicaName
  readonly revision: RevisionName
  readonly phase: ReplicaPhase
  /** Since when it is in this phase, epoch ms. */
  readonly sinceMs: number
  readonly createdAtMs: number
  /** Present from `loading` on. */
  readonly address?: Address
  /** Where it takes gRPC calls, with `address`, if that is a port of its own: it speaks HTTP/2, see `grpcTransportOf`. */
  readonly grpcAddress?: Address
  /** Why it is not ready, in one sentence: `needs 2 nvidia.com/gpu, 1 is free`. */
  readonly reason?: string
  /** A word for `reason`, as in KServe's lastFailureInfo or a pod's condition. */
  readonly reasonCode?:
    | 'Unschedulable'
    | 'StorageError'
    | 'CommandNotFound'
    | 'NoCommand'
    | 'CrashLoopBackOff'
    | 'ProbeFailed'
    | 'Exited'
    | 'OOMKilled'
    | 'ImagePullBackOff'
    | 'CreateContainerConfigError'
    | 'Evicted'
    | 'NodeLost'
  readonly exitCode?: number
  readonly restarts: number
  readonly retryAtMs?: number
  readonly pid?: number
}

/** Every replica that exists, ready or not, as one whole value. */
export interface Ready {
  readonly replicas: readonly Replica[]
}
