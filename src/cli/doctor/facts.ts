import type { PodFacts } from '../cluster/pods.ts'
import type { Read } from './finding.ts'
import type { Permission } from './permissions.ts'

/** Everything that the checks look at, as it was read at one moment. */
export interface ClusterFacts {
  readonly nowMs: number
  readonly version: Read<{ readonly major: string; readonly minor: string; readonly gitVersion: string }>
  readonly crds: Read<readonly CrdFacts[]>
  /** The ValidatingAdmissionPolicy of InferenceServices. */
  readonly hasAdmissionPolicy: Read<boolean>
  readonly installation: InstallationFacts
  readonly neighbours: Read<NeighbourFacts>
  readonly accelerators: Read<readonly Accelerators[]>
  readonly hasMetricsApi: Read<boolean>
  readonly hasGatewayApi: Read<boolean>
}

export interface CrdFacts {
  readonly name: string
  readonly isOurs: boolean
  readonly isEstablished: boolean
  readonly servedVersions: readonly string[]
}

/** What runs of Pilotlight, in the namespace that it was found in. */
export interface InstallationFacts {
  readonly namespace: string
  /** Deployments by their component. */
  readonly deployments: Read<ReadonlyMap<string, DeploymentFacts>>
  readonly controllers: Read<readonly PodFacts[]>
  readonly gateways: Read<readonly PodFacts[]>
  readonly redis: Read<readonly PodFacts[]>
  /** Undefined: there is no Lease. */
  readonly lease: Read<LeaseFacts | undefined>
  readonly config: Read<InstalledConfig>
  readonly gatewayService: Read<ServiceFacts | undefined>
  /** What the service accounts lack. */
  readonly missingPermissions: Read<readonly MissingPermission[]>
}

export interface DeploymentFacts {
  readonly name: string
  readonly wanted: number
  readonly serviceAccount: string
}

export interface LeaseFacts {
  readonly holder: string
  readonly renewedAtMs: number
  readonly durationMs: number
}

/** The part of pilotlight.yaml that says what the cluster needs. */
export interface InstalledConfig {
  readonly adopt: boolean
  readonly parentRefs: number
  readonly ingressClassName: string | undefined
}

export interface ServiceFacts {
  readonly name: string
  readonly type: string
  readonly readyEndpoints: number
  readonly externalAddresses: readonly string[]
}

export interface NeighbourFacts {
  /** Replicas of KServe's and Knative's controllers that are wanted. */
  readonly kserveReplicas: number
  readonly knativeReplicas: number
  /** KServe's webhook, which refuses all InferenceServices when nobody answers it. */
  readonly hasKserveWebhook: boolean
}

export interface Accelerators {
  readonly resource: string
  readonly count: number
  readonly nodes: number
}

export interface MissingPermission {
  readonly account: string
  readonly permission: Permission
  readonly verb: string
}
