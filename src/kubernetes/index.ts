/**
 * Pilotlight on Kubernetes: InferenceServices, pods and Deployments as `Cluster`, what gateways read, and what the
 * controller writes.
 */
export * from './api/index.ts'
export { DcgmExporters } from './dcgm-exporters.ts'
export { MetricsApi } from './metrics-api.ts'
export { GatewayView, type GatewayTables } from './gateway-view.ts'
export { inferenceRouteOf, readInferenceRoute } from './inference-route.ts'
export { keptOfApplied, keptOfDeployment, keptOfPod } from './kept-fields.ts'
export { KubernetesCluster, type KubernetesClusterOptions } from './kubernetes-cluster.ts'
export { KubernetesManifests } from './manifests.ts'
export { CONTROLLER_PODS, GATEWAY_PODS, livingGateways } from './members.ts'
export { AccessReview } from './access-review.ts'
export { ANNOTATIONS, LABELS, MANAGED_BY } from './names.ts'
export { PodReplicas } from './replicas/index.ts'
export { ReferenceGrants } from './reference-grants.ts'
export { RevisionDeployments } from './revision-deployments.ts'
export { servedObjectsOf } from './served-objects.ts'
export { ServiceWriter } from './service-writer.ts'
export { WakeFallback } from './wake-fallback.ts'
export { applyShippedObjects, type ShippedObjectsOptions } from './shipped-objects.ts'
