import type { DesiredService } from '../../core/desired.ts'
import type { Route } from '../../core/route.ts'
import type { KubeObject } from '../api/kube-object.ts'
import { withHash } from './applied.ts'
import type { GatewayService } from './gateway-service.ts'
import { pathPrefixesOf, publicHostsOf } from './hosts.ts'
import type { Fields } from './json.ts'
import { carriedMetadata, ownerOf, ownerReferences } from './metadata.ts'

/** How public addresses are shown to a Gateway of the Gateway API. */
export interface GatewayApiSettings {
  /** KServe's `kserveIngressGateway`, and others. */
  readonly parentRefs: readonly ParentRef[]
  /** Whether routes say that the Gateway is to wait as long as we do. Gateway API before 1.2 has no such field in its standard channel. */
  readonly timeouts: boolean
}

/** A Gateway, and one of its listeners if not all are meant. */
export interface ParentRef {
  readonly namespace: string
  readonly name: string
  readonly sectionName?: string | undefined
}

export interface PublicInput {
  readonly service: DesiredService
  /** `metadata.uid` of the InferenceService. */
  readonly ownerUid: string
  readonly routes: readonly Route[]
  readonly gateway: GatewayService
  /** The host of the path form, `example.com`: UrlOptions' `ingressDomain`. */
  readonly ingressDomain: string
}

// The limits of the Gateway API's schema; of matches, that of its oldest version.
const HOSTNAMES_MAX = 16
const RULES_MAX = 16
const MATCHES_MAX = 8

/**
 * The HTTPRoutes of a service: one for its public hosts, and one for the path form, which has another host. They lead to
 * the gateway's Service in its own namespace, so a ReferenceGrant is needed there, see `referenceGrantsOf`. The gateway
 * cuts the path prefix off itself. A cluster-local service has none.
 */
export function httpRoutesOf(input: PublicInput, settings: GatewayApiSettings): readonly KubeObject[] {
  const { service, routes, gateway, ingressDomain } = input
  if (service.clusterLocal) return []
  const rule = {
    backendRefs: [
      {
        group: '',
        kind: 'Service',
        namespace: gateway.namespace,
        name: gateway.name,
        port: gateway.port,
        weight: 1,
      },
    ],
    // The gateway knows how long a request of each service may take, a cold start included.
    ...(settings.timeouts ? { timeouts: { request: '0s' } } : {}),
  }
  const byHost = chunks(publicHostsOf(service.namespace, routes), HOSTNAMES_MAX).map((hostnames) => ({
    hostnames,
    rules: [{ matches: [prefixMatch('/')], ...rule }],
  }))
  const pathRules = chunks(pathPrefixesOf(routes), MATCHES_MAX).map((prefixes) => ({
    matches: prefixes.map(prefixMatch),
    ...rule,
  }))
  const byPath = chunks(pathRules, RULES_MAX).map((rules) => ({ hostnames: [ingressDomain], rules }))
  // A dot cannot stand in the name of a service, so these are nobody else's.
  return [
    ...byHost.map((spec, index) => routeOf(numbered(service.name, index), spec, input, settings)),
    ...byPath.map((spec, index) => routeOf(numbered(`${service.name}.path`, index), spec, input, settings)),
  ]
}

function routeOf(
  name: string,
  spec: { readonly hostnames: readonly string[]; readonly rules: readonly Fields[] },
  { service, ownerUid }: PublicInput,
  { parentRefs }: GatewayApiSettings,
): KubeObject {
  return withHash({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: {
      name,
      namespace: service.namespace,
      ...carriedMetadata(service),
      ownerReferences: ownerReferences(ownerOf(service, ownerUid)),
    },
    spec: {
      parentRefs: parentRefs.map((parent) => ({
        group: 'gateway.networking.k8s.io',
        kind: 'Gateway',
        ...parent,
      })),
      ...spec,
    },
  })
}

function prefixMatch(value: string): Fields {
  return { path: { type: 'PathPrefix', value } }
}

function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}.${index + 1}`
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

// The limit of a ReferenceGrant's schema.
const FROM_MAX = 16

/**
 * What lets HTTPRoutes of these namespaces lead to the gateway's Service: without it a Gateway answers 500 and the route
 * says `RefNotPermitted`. They belong to no service; apply all and delete what is left of a longer list.
 */
export function referenceGrantsOf(
  namespaces: Iterable<string>,
  gateway: GatewayService,
  labels: Readonly<Record<string, string>>,
): readonly KubeObject[] {
  const others = [...new Set(namespaces)].filter((namespace) => namespace !== gateway.namespace).toSorted()
  return chunks(others, FROM_MAX).map((some, index) =>
    withHash({
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: numbered(gateway.name, index), namespace: gateway.namespace, labels },
      spec: {
        from: some.map((namespace) => ({ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace })),
        to: [{ group: '', kind: 'Service', name: gateway.name }],
      },
    }),
  )
}
