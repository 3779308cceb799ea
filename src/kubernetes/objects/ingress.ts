import type { KubeObject } from '../api/kube-object.ts'
import { withHash } from './applied.ts'
import { pathPrefixesOf, publicHostsOf } from './hosts.ts'
import type { PublicInput } from './http-routes.ts'
import type { Fields } from './json.ts'
import { carriedMetadata, ownerOf, ownerReferences } from './metadata.ts'

/** How public addresses are shown to an ingress controller. */
export interface IngressSettings {
  /** undefined: the cluster's default class. */
  readonly ingressClassName?: string
  /**
   * An Ingress leads only to Services of its own namespace. `service`: it stands with its InferenceService and leads to that
   * one's ExternalName Service. `gateway`: it stands with the gateway and leads to the gateway's Service, for controllers
   * that follow no ExternalName; then nothing deletes it with its InferenceService, and its writer has to.
   */
  readonly placement: 'service' | 'gateway'
}

/** The Ingress of a service, for its public hosts and the path form; undefined where it has none, as when it is cluster-local. */
export function ingressOf(input: PublicInput, settings: IngressSettings): KubeObject | undefined {
  const { service, routes, ownerUid, gateway, ingressDomain } = input
  const hosts = publicHostsOf(service.namespace, routes)
  const prefixes = pathPrefixesOf(routes)
  if (service.clusterLocal || (hosts.length === 0 && prefixes.length === 0)) return undefined
  const isWithGateway = settings.placement === 'gateway'
  const backend = {
    service: { name: isWithGateway ? gateway.name : service.name, port: { number: gateway.port } },
  }
  const pathsOf = (paths: readonly string[]): Fields => ({
    paths: paths.map((path) => ({ path, pathType: 'Prefix', backend })),
  })
  const rules = [
    ...hosts.map((host) => ({ host, http: pathsOf(['/']) })),
    ...(prefixes.length === 0 ? [] : [{ host: ingressDomain, http: pathsOf(prefixes) }]),
  ]
  const { ingressClassName } = settings
  const metadata = carriedMetadata(service)
  return withHash({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: isWithGateway
      ? { name: ingressNameAtGateway(service), namespace: gateway.namespace, ...metadata }
      : {
          name: service.name,
          namespace: service.namespace,
          ...metadata,
          ownerReferences: ownerReferences(ownerOf(service, ownerUid)),
        },
    spec: { ...(ingressClassName === undefined ? {} : { ingressClassName }), rules },
  })
}

/** `ml.iris`: neither part can have a dot, so no two services share a name. */
export function ingressNameAtGateway({
  namespace,
  name,
}: {
  readonly namespace: string
  readonly name: string
}): string {
  return `${namespace}.${name}`
}
