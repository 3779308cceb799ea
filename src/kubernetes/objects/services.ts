import type { DesiredService } from '../../core/desired.ts'
import type { Route } from '../../core/route.ts'
import type { KubeObject } from '../api/kube-object.ts'
import { withHash } from './applied.ts'
import { gatewayHost, type GatewayService } from './gateway-service.ts'
import { serviceNamesOf } from './hosts.ts'
import { ownerOf, ownerReferences, serviceLabels } from './metadata.ts'

const LABEL_LENGTH_MAX = 63

/**
 * The Services by which callers inside the cluster reach a service, its components, tags and canaries: each is another
 * name of the gateway's. A name that is too long for a Service is nobody's address and left out.
 */
export function servicesOf(
  service: DesiredService,
  ownerUid: string,
  routes: readonly Route[],
  gateway: GatewayService,
): readonly KubeObject[] {
  const { namespace } = service
  return serviceNamesOf(namespace, routes)
    .filter((name) => name.length <= LABEL_LENGTH_MAX)
    .map((name) =>
      withHash({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {
          name,
          namespace,
          labels: serviceLabels(service.name),
          ownerReferences: ownerReferences(ownerOf(service, ownerUid)),
        },
        spec: {
          type: 'ExternalName',
          externalName: gatewayHost(gateway),
          // Nobody's traffic passes here; an Ingress needs a port to name, and a mesh its protocol.
          ports: [{ name: 'http', port: gateway.port, targetPort: gateway.port, protocol: 'TCP' }],
        },
      }),
    )
}
