/** What the API server says of Services and of who answers for them, in the words of core/v1 and discovery/v1. */

interface Named {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly resourceVersion: string
}

export interface ServiceObject {
  readonly metadata: Named
  readonly spec: {
    readonly clusterIP?: string
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[]
  }
}

export interface SliceObject {
  readonly metadata: Named & { readonly labels?: Readonly<Record<string, string>> }
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[]
        readonly hostname?: string
        readonly conditions?: { readonly ready?: boolean }
      }[]
    | null
}

/** One address and port that a Service listens on. */
export interface Frontend {
  readonly address: string
  readonly port: number
  /** What the port is called in the Service and its slices; empty when it has no name. */
  readonly portName: string
  readonly service: string
}

export interface Backend {
  readonly address: string
  readonly port: number
}

const SERVICE_LABEL = 'kubernetes.io/service-name'
/** The API server itself answers for it. */
const KUBERNETES = 'default/kubernetes'

/** All Services and their endpoints as they are now. Services are named `NAMESPACE/NAME`. */
export class Directory {
  readonly #services = new Map<string, ServiceObject>()
  readonly #slices = new Map<string, SliceObject>()

  seenService(service: ServiceObject): void {
    this.#services.set(service.metadata.uid, service)
  }

  seenSlice(slice: SliceObject): void {
    this.#slices.set(slice.metadata.uid, slice)
  }

  gone(uid: string): void {
    this.#services.delete(uid)
    this.#slices.delete(uid)
  }

  frontends(): Frontend[] {
    return [...this.#services.values()].flatMap(({ metadata, spec }) => {
      const service = `${metadata.namespace}/${metadata.name}`
      const address = spec.clusterIP
      if (address === undefined || address === '' || address === 'None' || service === KUBERNETES) return []
      return (spec.ports ?? [])
        .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
        .map(({ name: portName = '', port }) => ({ address, port, portName, service }))
    })
  }

  /** Who is ready to answer. */
  backends({ service, portName }: Pick<Frontend, 'service' | 'portName'>): Backend[] {
    return this.#slicesOf(service).flatMap(({ ports, endpoints }) => {
      const port = ports?.find(({ name = '' }) => name === portName)?.port
      if (port === undefined) return []
      return readyOf(endpoints).map(({ addresses }) => ({ address: addresses[0]!, port }))
    })
  }

  /**
   * The addresses of `NAME.NAMESPACE`: of the Service, or of its endpoints where it has none of its own; of one of these
   * for `HOSTNAME.NAME.NAMESPACE`. Undefined when there is no such name.
   */
  resolve(labels: readonly string[]): string[] | undefined {
    const [namespace, name, hostname, ...rest] = labels.toReversed()
    if (rest.length > 0) return undefined
    const service = [...this.#services.values()].find(
      ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
    )
    if (service === undefined) return undefined
    const { clusterIP = 'None' } = service.spec
    if (clusterIP !== 'None' && hostname === undefined) return [clusterIP]
    const endpoints = this.#slicesOf(`${namespace}/${name}`).flatMap((slice) => readyOf(slice.endpoints))
    const wanted = endpoints.filter((endpoint) => hostname === undefined || endpoint.hostname === hostname)
    if (wanted.length === 0 && hostname !== undefined) return undefined
    return wanted.map(({ addresses }) => addresses[0]!)
  }

  #slicesOf(service: string): SliceObject[] {
    return [...this.#slices.values()].filter(
      ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[SERVICE_LABEL]}` === service,
    )
  }
}

function readyOf(endpoints: SliceObject['endpoints']): NonNullable<SliceObject['endpoints']> {
  return (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false)
}
