import type { DesiredService } from '../../src/core/desired.ts'
import type { Revision } from '../../src/core/revision.ts'
import type { Route } from '../../src/core/route.ts'
import {
  noReplicas,
  parseDocuments,
  reconcileService,
  toDesired,
  type UrlOptions,
} from '../../src/kserve/index.ts'

export interface DeployedService {
  readonly service: DesiredService
  /** The first of each component, and of each canary. */
  readonly revisions: readonly Revision[]
  /** With every revision ready. */
  readonly routes: readonly Route[]
}

const exampleUrls: UrlOptions = {
  domainTemplate: '{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}',
  pathTemplate: '',
  ingressDomain: 'example.com',
  urlScheme: 'http',
}

/** The services of manifests as they stand right after their first deployment on a cluster with KServe's runtimes. */
export function deployed(
  manifests: string,
  { urls = exampleUrls, file = 'test.yaml' }: { readonly urls?: UrlOptions; readonly file?: string } = {},
): readonly DeployedService[] {
  const { services } = toDesired(parseDocuments(manifests, { file }), {
    runtimes: 'catalogue',
    metadata: () => ({ generation: 1, createdAtMs: 0 }),
    predictorHost: (namespace, component) => `${component}.${namespace}`,
  })
  return services.map((service) => {
    const { revisions, routes } = reconcileService({
      desired: service,
      history: undefined,
      observe: () => ({ ...noReplicas, readyReplicas: 1, totalReplicas: 1, phase: 'ready' }),
      nowMs: 0,
      options: { strict: false, keep: 1, urls },
    })
    return { service, revisions, routes }
  })
}

/** Of manifests with one service. */
export function deployedOne(manifests: string, urls?: UrlOptions): DeployedService {
  const [only, ...others] = deployed(manifests, urls === undefined ? {} : { urls })
  if (only === undefined || others.length > 0) throw new Error(`${others.length + 1} services, not 1`)
  return only
}
