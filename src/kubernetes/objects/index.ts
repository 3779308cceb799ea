/**
 * What is wanted as Kubernetes objects: pure functions from a service, its revisions and its routes to the plain JSON that
 * the API server is given. Each object carries the hash of what it says (`pilotlight.dev/applied`).
 */
export { appliedHash, withHash } from './applied.ts'
export {
  ConfigMapError,
  configurationFromConfigMap,
  parentRefOf,
  type Exposure,
  type KServeConfiguration,
} from './config-map.ts'
export { deploymentOf, type DeploymentInput } from './deployment.ts'
export { gatewayHost, type GatewayService } from './gateway-service.ts'
export {
  httpRoutesOf,
  referenceGrantsOf,
  type GatewayApiSettings,
  type ParentRef,
  type PublicInput,
} from './http-routes.ts'
export { ingressNameAtGateway, ingressOf, type IngressSettings } from './ingress.ts'
export { revisionLabels, revisionSelector, serviceLabels } from './metadata.ts'
export { replicaPorts, type ReplicaPorts } from './replica-ports.ts'
export { servicesOf } from './services.ts'
export { SERVING_CONTAINER, TRANSFORMER_CONTAINER } from './serving-container.ts'
export {
  accountNameOf,
  credentialsFor,
  DEFAULT_CREDENTIALS,
  type CredentialSettings,
  secretNamesOf,
  type CredentialSources,
  type SecretNames,
} from './storage/credentials.ts'
export { secretMetadataOf, storageConfigOf, type SecretMetadata } from './storage/secret-metadata.ts'
export { STORAGE_INITIALIZER } from './storage/initializer.ts'
export {
  DEFAULT_INITIALIZER,
  NO_CREDENTIALS,
  storageContainerOf,
  StorageError,
  type InitializerSettings,
  type StorageConfig,
  type StorageContainer,
  type StorageCredentials,
  type StorageEntry,
  type StorageSettings,
} from './storage/settings.ts'
