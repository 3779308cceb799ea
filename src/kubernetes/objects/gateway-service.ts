/** The Service in front of the gateways: where every address of an InferenceService leads. */
export interface GatewayService {
  readonly namespace: string
  readonly name: string
  /** Its port for clear-text HTTP: 80, so that `http://iris-predictor.ml` needs no port. */
  readonly port: number
  /** `cluster.local` unless the cluster was set up with another. */
  readonly clusterDomain: string
}

/** `pilotlight-gateway.pilotlight.svc.cluster.local` */
export function gatewayHost({ namespace, name, clusterDomain }: GatewayService): string {
  return `${name}.${namespace}.svc.${clusterDomain}`
}
