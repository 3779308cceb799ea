import type { Config } from '../core/config.ts'
import type { KeptService, UrlOptions } from '../kserve/index.ts'
import type { KubeObject } from './api/index.ts'
import { httpRoutesOf, ingressOf, servicesOf, type GatewayService } from './objects/index.ts'

/** What leads requests to a service: Services for callers inside, and what its installation wants for those outside. */
export function servedObjectsOf(
  object: KubeObject,
  { desired, result }: KeptService,
  settings: {
    readonly gateway: GatewayService
    readonly kubernetes: Config['kubernetes']
    readonly urls: UrlOptions
  },
): readonly KubeObject[] {
  const { gateway, kubernetes, urls } = settings
  const { uid: ownerUid = '' } = object.metadata
  const { routes } = result
  const input = { service: desired, ownerUid, routes, gateway, ingressDomain: urls.ingressDomain }
  const { gatewayApi, ingressClassName } = kubernetes
  const ingress =
    ingressClassName === undefined ? undefined : ingressOf(input, { ingressClassName, placement: 'service' })
  const parentRefs = gatewayApi.parentRefs.map(({ namespace = gateway.namespace, ...ref }) => ({
    ...ref,
    namespace,
  }))
  return [
    ...servicesOf(desired, ownerUid, routes, gateway),
    ...(parentRefs.length === 0 ? [] : httpRoutesOf(input, { parentRefs, timeouts: true })),
    ...(ingress === undefined ? [] : [ingress]),
  ]
}
