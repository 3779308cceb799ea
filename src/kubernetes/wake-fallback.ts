import type { Clock, Timer } from '../core/clock.ts'
import { split, type RevisionName } from '../core/names.ts'
import type { Log } from '../core/telemetry.ts'
import { isApiError, KINDS, pathOf, type ApiClient, type KubeObject } from './api/index.ts'

/** How long the controller's leader may take to order the first replica. */
const LEADER_MS = 2_000

export interface WakeFallbackOptions {
  readonly client: Pick<ApiClient, 'raw' | 'patch'>
  readonly clock: Clock
  readonly log: Log
  /** Whether the revision has any replica, ready or not. */
  readonly hasReplicas: (revision: RevisionName) => boolean
  /** Whether requests still wait for it. */
  readonly isWaitedFor: (revision: RevisionName) => boolean
}

/**
 * Raises a revision from 0 to 1 when no leader has done so within 2 s. Never lower, never higher, and never where
 * somebody already asked for replicas: the leader stays the one writer.
 */
export class WakeFallback implements Disposable {
  readonly #options: WakeFallbackOptions
  readonly #pending = new Map<RevisionName, Timer>()
  #isOver = false

  constructor(options: WakeFallbackOptions) {
    this.#options = options
  }

  /** The leader was told that requests wait for the revision. */
  woken(revision: RevisionName): void {
    if (this.#pending.has(revision) || this.#isOver) return
    this.#pending.set(
      revision,
      this.#options.clock.after(LEADER_MS, () => {
        this.#pending.delete(revision)
        void this.#raise(revision)
      }),
    )
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    for (const timer of this.#pending.values()) timer[Symbol.dispose]()
    this.#pending.clear()
  }

  async #raise(revision: RevisionName): Promise<void> {
    const { client, log, hasReplicas, isWaitedFor } = this.#options
    if (hasReplicas(revision) || !isWaitedFor(revision)) return
    const { namespace, name } = split(revision)
    try {
      const path = pathOf(KINDS.deployments, { namespace, name, subresource: 'scale' })
      const scale: KubeObject = await client.raw('GET', path)
      if (replicasIn(scale) > 0) return
      const { resourceVersion } = scale.metadata
      await client.patch(
        KINDS.deployments,
        namespace,
        name,
        { spec: { replicas: 1 } },
        { subresource: 'scale', ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      )
      log.warn({ revision }, 'no controller answered for 2 s: the gateway ordered the first replica itself')
    } catch (error) {
      // A conflict is the leader's write; anything else is tried again as long as requests wait.
      if (isApiError(error, 'Conflict')) return
      log.warn({ revision, err: error }, 'no controller answered, and the first replica could not be ordered')
      if (isWaitedFor(revision)) this.woken(revision)
    }
  }
}

function replicasIn({ spec }: KubeObject): number {
  if (typeof spec !== 'object' || spec === null || !('replicas' in spec)) return 0
  return typeof spec.replicas === 'number' ? spec.replicas : 0
}
