import type { Clock } from '../core/clock.ts'
import { Latest } from '../core/latest.ts'
import type { RevisionName } from '../core/names.ts'
import type { Ready, Replica } from '../core/replica.ts'
import { isApiError, type KubeObject } from './api/index.ts'
import { StorageError } from './objects/index.ts'

/**
 * Why revisions have no pods at all: nobody would see it, since there is no pod that could say so. Each is shown as a
 * replica that waits for its place or has failed, under the revision's own name.
 */
export class RevisionTroubles {
  readonly #clock: Clock
  readonly #replicas = new Map<RevisionName, Replica>()
  readonly #changes = new Latest<readonly Replica[]>([])

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The Deployment could not be made; undefined: it could. */
  onCreate(revision: RevisionName, error: unknown): void {
    if (error instanceof StorageError) this.#set(revision, 'failed', 'StorageError', error.message)
    else if (isApiError(error, 'Invalid', 'Forbidden', 'BadRequest', 'AlreadyExists')) {
      this.#set(revision, 'failed', 'CreateContainerConfigError', error.message)
    } else if (error === undefined) this.#clear(revision)
  }

  /** What its Deployment says: a quota or an admission policy may refuse each of its pods. */
  onDeployment(revision: RevisionName, deployment: KubeObject | undefined, pods: number): void {
    const refused = pods > 0 ? undefined : replicaFailureOf(deployment)
    if (refused !== undefined && /exceeded quota/.test(refused)) {
      this.#set(revision, 'scheduling', 'Unschedulable', refused)
    } else if (refused !== undefined) this.#set(revision, 'failed', 'CreateContainerConfigError', refused)
    else if (deployment !== undefined) this.#clear(revision)
  }

  /** Nothing is left of it that could have any. */
  forget(revision: RevisionName): void {
    this.#clear(revision)
  }

  /** The replicas, and beside them those that stand for revisions without any. */
  async *beside(replicas: Latest<Ready>, signal: AbortSignal): AsyncGenerator<Ready, void, void> {
    const merged = new Latest<Ready>(this.#merge(replicas.value))
    const follow = async (values: AsyncIterable<unknown>): Promise<void> => {
      for await (const _value of values) merged.set(this.#merge(replicas.value))
    }
    void Promise.all([follow(replicas.values(signal)), follow(this.#changes.values(signal))])
    yield* merged.values(signal)
  }

  #merge({ replicas }: Ready): Ready {
    return this.#replicas.size === 0 ? { replicas } : { replicas: [...replicas, ...this.#replicas.values()] }
  }

  #set(
    revision: RevisionName,
    phase: 'failed' | 'scheduling',
    reasonCode: NonNullable<Replica['reasonCode']>,
    reason: string,
  ): void {
    const before = this.#replicas.get(revision)
    if (before?.reason === reason && before.phase === phase) return
    const nowMs = this.#clock.now()
    const replica = { name: revision, revision, phase, sinceMs: nowMs, createdAtMs: nowMs, restarts: 0 }
    this.#replicas.set(revision, { ...replica, reason, reasonCode })
    this.#changes.set([...this.#replicas.values()])
  }

  #clear(revision: RevisionName): void {
    if (this.#replicas.delete(revision)) this.#changes.set([...this.#replicas.values()])
  }
}

/** The message of the Deployment's condition `ReplicaFailure`. */
function replicaFailureOf(deployment: KubeObject | undefined): string | undefined {
  const status = deployment?.['status']
  if (typeof status !== 'object' || status === null || !('conditions' in status)) return undefined
  const conditions: readonly { type?: unknown; status?: unknown; message?: unknown }[] = Array.isArray(
    status.conditions,
  )
    ? status.conditions
    : []
  const failure = conditions.find(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True')
  return typeof failure?.message === 'string' ? failure.message : undefined
}
