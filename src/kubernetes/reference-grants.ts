import type { DesiredService } from '../core/desired.ts'
import {
  isApiError,
  keyOf,
  KINDS,
  type ApiClient,
  type KubeObject,
  type ResourceCache,
  type WorkQueue,
} from './api/index.ts'
import { ANNOTATIONS, LABELS, MANAGED_BY } from './names.ts'
import { referenceGrantsOf, type GatewayService } from './objects/index.ts'

const ALL = 'reference grants'

export interface ReferenceGrantsOptions {
  readonly client: Pick<ApiClient, 'apply' | 'delete'>
  /** Those that we made, in the gateway's namespace. */
  readonly grants: ResourceCache
  readonly gateway: GatewayService
  readonly queue: WorkQueue
}

/**
 * Lets the HTTPRoutes of services lead to the gateway's Service in its own namespace: a Gateway follows no reference into
 * another namespace that this one did not allow.
 */
export class ReferenceGrants {
  readonly #options: ReferenceGrantsOptions
  /** Undefined before the first look: grants of an earlier life may be left. */
  #namespaces: readonly string[] | undefined

  constructor(options: ReferenceGrantsOptions) {
    this.#options = options
  }

  setServices(services: readonly DesiredService[]): void {
    const shown = services.filter(({ clusterLocal }) => !clusterLocal)
    const namespaces = [...new Set(shown.map(({ namespace }) => namespace))].sort()
    if (namespaces.join() === this.#namespaces?.join()) return
    this.#namespaces = namespaces
    this.#options.queue.add(ALL)
  }

  /** Until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { grants, queue } = this.#options
    using _subscription = grants.onChange(() => queue.add(ALL))
    await queue.run(signal, () => this.#write(signal))
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { client, grants, gateway } = this.#options
    if (this.#namespaces === undefined) return
    const wanted = referenceGrantsOf(this.#namespaces, gateway, { [LABELS.managedBy]: MANAGED_BY })
    for (const grant of wanted) {
      if (hashOf(grants.get(keyOf(grant))) !== hashOf(grant)) {
        await client.apply(grant, { kind: KINDS.referenceGrants }, signal)
      }
    }
    const names = new Set(wanted.map(keyOf))
    for (const { metadata } of [...grants.values()].filter((grant) => !names.has(keyOf(grant)))) {
      try {
        const { namespace, name, uid } = metadata
        await client.delete(KINDS.referenceGrants, namespace, name, { uid }, signal)
      } catch (error) {
        if (!isApiError(error, 'NotFound', 'Conflict')) throw error
      }
    }
  }
}

function hashOf(object: KubeObject | undefined): string | undefined {
  return object?.metadata.annotations?.[ANNOTATIONS.applied]
}
