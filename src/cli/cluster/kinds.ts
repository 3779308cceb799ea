import {
  isApiError,
  kindOf,
  type ApiClient,
  type KubeObject,
  type ResourceKind,
} from '../../kubernetes/api/index.ts'

interface ApiResource {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
}

/** Where the API server keeps the objects of a kind, asked once for each group and version. */
export class ResourceKinds {
  readonly #client: Pick<ApiClient, 'raw'>
  readonly #asked = new Map<string, Promise<readonly ApiResource[]>>()

  constructor(client: Pick<ApiClient, 'raw'>) {
    this.#client = client
  }

  /** Undefined: the API server has no such kind. @throws ApiError */
  async of(object: Pick<KubeObject, 'apiVersion' | 'kind'>): Promise<ResourceKind | undefined> {
    try {
      return kindOf(object)
    } catch {
      // Not one that Pilotlight works with: the API server knows.
    }
    const { apiVersion, kind } = object
    const found = (await this.#resources(apiVersion)).find(
      (resource) => resource.kind === kind && !resource.name.includes('/'),
    )
    if (found === undefined) return undefined
    const [group = '', version] = apiVersion.split('/')
    return {
      ...(version === undefined ? { group: '', version: group } : { group, version }),
      kind,
      plural: found.name,
      namespaced: found.namespaced,
    }
  }

  #resources(apiVersion: string): Promise<readonly ApiResource[]> {
    let asked = this.#asked.get(apiVersion)
    if (asked === undefined) this.#asked.set(apiVersion, (asked = this.#ask(apiVersion)))
    return asked
  }

  async #ask(apiVersion: string): Promise<readonly ApiResource[]> {
    const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    try {
      const list: { readonly resources?: readonly ApiResource[] } = await this.#client.raw('GET', path)
      return list.resources ?? []
    } catch (error) {
      if (isApiError(error, 'NotFound')) return []
      throw error
    }
  }
}
