import type { Clock } from '../core/clock.ts'
import type { Cluster } from '../core/cluster.ts'
import type { Desired } from '../core/desired.ts'
import { qualified, type RevisionName } from '../core/names.ts'
import type { Latest } from '../core/latest.ts'
import type { Ready } from '../core/replica.ts'
import type { Bus } from '../core/report.ts'
import type { Revision } from '../core/revision.ts'
import type { Log } from '../core/telemetry.ts'
import type { ApiClient, KubeObject, ResourceCache } from './api/index.ts'
import { DeploymentScaler } from './deployment-scaler.ts'
import { LABELS } from './names.ts'
import { RevisionTroubles } from './revision-troubles.ts'

export interface KubernetesClusterOptions {
  readonly client: Pick<ApiClient, 'patch' | 'delete'>
  readonly deployments: ResourceCache
  readonly pods: ResourceCache
  readonly services: ResourceCache
  readonly source: { desired(signal: AbortSignal): AsyncIterable<Desired> }
  /** The replicas that pods are. */
  readonly replicas: Latest<Ready>
  /** Makes the Deployment of a revision with so many replicas. */
  readonly create: (revision: Revision, replicas: number) => Promise<void>
  readonly bus: Pick<Bus, 'load'>
  /** A gateway ordered the first replica of a revision itself, since no leader answered it. */
  readonly onRaised: (revision: RevisionName) => void
  readonly clock: Clock
  readonly log: Log
  /** Ends everything that is under way. */
  readonly signal: AbortSignal
}

/** A Cluster whose replicas are pods: one Deployment per revision. */
export class KubernetesCluster implements Cluster, Disposable {
  readonly #options: KubernetesClusterOptions
  readonly #scalers = new Map<RevisionName, DeploymentScaler>()
  readonly #podsByRevision = new Map<RevisionName, Map<string, KubeObject>>()
  readonly #troubles: RevisionTroubles
  readonly #subscriptions = new DisposableStack()

  constructor(options: KubernetesClusterOptions) {
    this.#options = options
    this.#troubles = new RevisionTroubles(options.clock)
    const { pods, deployments } = options
    for (const pod of pods.values()) this.#place(`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, pod)
    this.#subscriptions.use(
      pods.onChange(({ key, object, before }) => {
        this.#place(key, object, before)
        this.#changed(object ?? before)
      }),
    )
    this.#subscriptions.use(deployments.onChange(({ object, before }) => this.#changed(object ?? before)))
  }

  [Symbol.dispose](): void {
    this.#subscriptions.dispose()
  }

  desired(signal: AbortSignal): AsyncIterable<Desired> {
    return this.#options.source.desired(signal)
  }

  ready(signal: AbortSignal): AsyncIterable<Ready> {
    return this.#troubles.beside(this.#options.replicas, signal)
  }

  /** @throws ApiError; RangeError when `replicas` is no whole number from 0 on; the signal's reason when it is aborted. */
  async scale(revision: Revision, replicas: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!Number.isSafeInteger(replicas) || replicas < 0) {
      throw new RangeError(
        `scale ${revision.name}: ${replicas} replicas is not allowed; it has to be 0 or more`,
      )
    }
    await this.#scalerOf(revision.name).scale(revision, replicas)
  }

  /** Its Deployment goes once its pods have; until then it is looked after. */
  async retire(revision: Revision, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.retireOrphan(revision.name)
  }

  /** A Deployment of ours whose revision nobody knows any more goes in the same way. */
  async retireOrphan(revision: RevisionName): Promise<void> {
    await this.#scalerOf(revision).retire()
    this.#forgetIfOver(revision)
  }

  /** Revisions that are looked after. */
  get size(): number {
    return this.#scalers.size
  }

  #forgetIfOver(revision: RevisionName): void {
    if (this.#scalers.get(revision)?.isOver !== true) return
    this.#scalers.delete(revision)
    this.#troubles.forget(revision)
  }

  #scalerOf(revision: RevisionName): DeploymentScaler {
    let scaler = this.#scalers.get(revision)
    if (scaler === undefined) {
      const { services, create, ...deps } = this.#options
      scaler = new DeploymentScaler(revision, {
        ...deps,
        create: async (made, replicas) => {
          try {
            await create(made, replicas)
            this.#troubles.onCreate(revision, undefined)
          } catch (error) {
            this.#troubles.onCreate(revision, error)
            throw error
          }
        },
        podsOf: (name) => [...(this.#podsByRevision.get(name)?.values() ?? [])],
        isOwn: ({ service }, deployment) => {
          const uid = services.get(service)?.metadata.uid
          const owners = deployment.metadata.ownerReferences ?? []
          return uid === undefined || owners.length === 0 || owners.some((owner) => owner.uid === uid)
        },
      })
      this.#scalers.set(revision, scaler)
    }
    return scaler
  }

  #changed(object: KubeObject | undefined): void {
    const name = object === undefined ? undefined : revisionOf(object)
    if (name === undefined) return
    const scaler = this.#scalers.get(name)
    if (scaler === undefined) return
    const { size = 0 } = this.#podsByRevision.get(name) ?? {}
    this.#troubles.onDeployment(name, this.#options.deployments.get(name), size)
    scaler.changed()
    this.#forgetIfOver(name)
  }

  #place(key: string, object: KubeObject | undefined, before?: KubeObject): void {
    const name = revisionOf(object ?? before)
    const earlier = revisionOf(before)
    if (object !== undefined && earlier !== name) this.#place(key, undefined, before)
    if (name === undefined) return
    const pods = this.#podsByRevision.get(name) ?? new Map<string, KubeObject>()
    if (object === undefined) pods.delete(key)
    else pods.set(key, object)
    if (pods.size === 0) this.#podsByRevision.delete(name)
    else this.#podsByRevision.set(name, pods)
  }
}

/** The revision that a Deployment or pod belongs to. */
export function revisionOf(object: KubeObject | undefined): RevisionName | undefined {
  const name = object?.metadata.labels?.[LABELS.revision]
  return name === undefined ? undefined : qualified(object?.metadata.namespace ?? '', name)
}
