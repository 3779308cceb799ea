import { split, type RevisionName } from '../core/names.ts'
import { compareResourceVersions, isApiError, KINDS, type ApiClient, type KubeObject } from './api/index.ts'
import { replicasOf } from './deployment-state.ts'
import { ANNOTATIONS } from './names.ts'

/** What is written on the Deployment of one revision and on its pods, and what of it the cache may not show yet. */
export class DeploymentWrites {
  readonly #client: Pick<ApiClient, 'patch' | 'delete'>
  readonly #namespace: string
  readonly #name: string
  /** Nothing is written after it: another controller leads by then. */
  readonly #signal: AbortSignal
  /** The number that was written last, and the version of the Deployment that has it. */
  #written: { readonly replicas: number; readonly resourceVersion: string } | undefined

  constructor(client: Pick<ApiClient, 'patch' | 'delete'>, revision: RevisionName, signal: AbortSignal) {
    const { namespace, name } = split(revision)
    this.#client = client
    this.#namespace = namespace
    this.#name = name
    this.#signal = signal
  }

  /** How many pods are ordered, as far as anybody knows. */
  orderedIn(deployment: KubeObject): number {
    const seen = deployment.metadata.resourceVersion ?? ''
    const written = this.#written
    const isBehind = written !== undefined && compareResourceVersions(seen, written.resourceVersion) < 0
    return isBehind ? written.replicas : replicasOf(deployment)
  }

  async order(replicas: number): Promise<void> {
    this.#signal.throwIfAborted()
    const scaled = await this.#client.patch(
      KINDS.deployments,
      this.#namespace,
      this.#name,
      { spec: { replicas } },
      { subresource: 'scale' },
      this.#signal,
    )
    const { resourceVersion } = scaled.metadata
    if (resourceVersion !== undefined) this.#written = { replicas, resourceVersion }
  }

  /** A pod that is gone needs no mark. @param cost undefined takes the mark away. */
  async mark(pod: KubeObject, cost: string | undefined): Promise<void> {
    this.#signal.throwIfAborted()
    const annotations = {
      [ANNOTATIONS.draining]: cost === undefined ? null : 'true',
      [ANNOTATIONS.deletionCost]: cost ?? null,
    }
    const { name, uid } = pod.metadata
    const options = uid === undefined ? {} : { uid }
    try {
      const patch = { metadata: { annotations } }
      await this.#client.patch(KINDS.pods, this.#namespace, name, patch, options, this.#signal)
    } catch (error) {
      const isAnother =
        isApiError(error, 'Conflict') && error.causes.some(({ field }) => field === 'metadata.uid')
      if (!isAnother && !isApiError(error, 'NotFound')) throw error
    }
  }

  /** This Deployment, not another one of its name. */
  async delete({ metadata: { uid } }: KubeObject): Promise<void> {
    this.#signal.throwIfAborted()
    const options = { propagation: 'Background', ...(uid === undefined ? {} : { uid }) } as const
    try {
      await this.#client.delete(KINDS.deployments, this.#namespace, this.#name, options, this.#signal)
    } catch (error) {
      if (!isApiError(error, 'NotFound', 'Conflict')) throw error
    }
  }
}
