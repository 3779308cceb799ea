import type { DesiredService } from '../core/desired.ts'
import { split, type InferenceServiceName } from '../core/names.ts'
import type { Revision } from '../core/revision.ts'
import {
  ApiError,
  isApiError,
  KINDS,
  type ApiClient,
  type KubeObject,
  type ResourceCache,
  type ResourceKind,
} from './api/index.ts'
import { LABELS, MANAGED_BY } from './names.ts'
import {
  accountNameOf,
  credentialsFor,
  DEFAULT_INITIALIZER,
  deploymentOf,
  secretMetadataOf,
  secretNamesOf,
  storageConfigOf,
  storageContainerOf,
  type StorageSettings,
} from './objects/index.ts'

export interface RevisionDeploymentsOptions {
  readonly client: Pick<ApiClient, 'create' | 'get' | 'list'>
  readonly services: ResourceCache
  readonly storageContainers: ResourceCache
  readonly storageInitializerImage: string
  readonly progressDeadlineMs: number
  /** KServe's controller runs beside us: its Services and webhooks must not take our pods for its own. */
  readonly besideKserve: boolean
  /** The service as it was accepted last. */
  readonly serviceOf: (name: InferenceServiceName) => DesiredService | undefined
}

/**
 * An API server that has just started refuses everything for a moment, until it has read its roles. A Deployment that was
 * made without its credentials would never fetch its model.
 */
const REFUSALS_UNTIL_SURE = 3

/** Makes the Deployments of revisions. */
export class RevisionDeployments {
  readonly #options: RevisionDeploymentsOptions
  /** How often we were not allowed to see something. */
  readonly #refusals = new Map<string, number>()

  constructor(options: RevisionDeploymentsOptions) {
    this.#options = options
  }

  /**
   * Makes the Deployment of a revision; one that is there already stays as it is.
   * @throws ApiError; StorageError for a model that cannot be fetched as its manifest says.
   */
  async create(revision: Revision, replicas: number): Promise<void> {
    const { client, services, serviceOf, progressDeadlineMs, besideKserve } = this.#options
    const service = serviceOf(revision.service)
    const ownerUid = services.get(revision.service)?.metadata.uid
    // Its service is being deleted: nothing is made for it any more.
    if (service === undefined || ownerUid === undefined) return
    const storage = await this.#storageOf(service, revision)
    const progressDeadlineSeconds = Math.max(1, Math.round(progressDeadlineMs / 1000))
    try {
      const deployment = deploymentOf({
        service,
        revision,
        ownerUid,
        replicas,
        storage,
        progressDeadlineSeconds,
      })
      await client.create(besideKserve ? withoutKserveLabels(deployment) : deployment)
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error
      await this.#refuseForeign(revision)
    }
  }

  /** @throws ApiError `AlreadyExists` where somebody else has made a Deployment of that name. */
  async #refuseForeign(revision: Revision): Promise<void> {
    const { namespace, name } = split(revision.name)
    // A list: it is what we are allowed to do with Deployments that are not ours.
    const fieldSelector = `metadata.name=${name}`
    const { items } = await this.#options.client.list(KINDS.deployments, { namespace, fieldSelector })
    if (items.every(({ metadata }) => metadata.labels?.[LABELS.managedBy] === MANAGED_BY)) return
    const message = `Deployment ${name} is there already and not ours: it is left alone`
    throw new ApiError(message, { status: 409, reason: 'AlreadyExists' })
  }

  /** Only the names of secrets and of what is in them: their values are never kept. */
  async #storageOf(service: DesiredService, revision: Revision): Promise<StorageSettings> {
    const { storageContainers, storageInitializerImage } = this.#options
    const { namespace } = split(revision.name)
    const account = await this.#find(
      KINDS.serviceAccounts,
      namespace,
      accountNameOf(revision.template.replica),
    )
    const names = secretNamesOf(service, account)
    const [config, ...found] = await Promise.all(
      [names.config, ...names.credentials].map((name) => this.#find(KINDS.secrets, namespace, name)),
    )
    return {
      initializer: { ...DEFAULT_INITIALIZER, image: storageInitializerImage },
      containers: [...storageContainers.values()].flatMap((object) => storageContainerOf(object) ?? []),
      credentials: credentialsFor({
        accountAnnotations: account?.metadata.annotations ?? {},
        secrets: found.flatMap((secret) => (secret === undefined ? [] : [secretMetadataOf(secret)])),
      }),
      config: storageConfigOf(names.config, config),
    }
  }

  /** undefined where it is not there, or we may not see it. @throws ApiError as long as that is not sure. */
  async #find(kind: ResourceKind, namespace: string, name: string): Promise<KubeObject | undefined> {
    const key = `${kind.plural} ${namespace}/${name}`
    try {
      const found = await this.#options.client.get(kind, namespace, name)
      this.#refusals.delete(key)
      return found
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined
      if (!isApiError(error, 'Forbidden')) throw error
      const refusals = (this.#refusals.get(key) ?? 0) + 1
      this.#refusals.set(key, refusals)
      if (refusals < REFUSALS_UNTIL_SURE) throw error
      return undefined
    }
  }
}

/** What KServe's Services and webhooks select pods by. */
const KSERVE_LABELS = new Set(['app', 'component', 'serving.kserve.io/inferenceservice'])

function withoutKserveLabels(deployment: KubeObject): KubeObject {
  return JSON.parse(
    JSON.stringify(deployment, (key, value: unknown) =>
      key === 'labels' && typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).filter(([label]) => !KSERVE_LABELS.has(label)))
        : value,
    ),
  )
}
