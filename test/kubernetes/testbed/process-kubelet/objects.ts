/** What this kubelet reads and writes of Kubernetes objects: a part of what core/v1 has, by the same names. */

export interface Metadata {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly resourceVersion: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
}

export interface KeyReference {
  readonly name: string
  readonly key: string
  readonly optional?: boolean
}

export interface EnvVariable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string }
    readonly resourceFieldRef?: { readonly containerName?: string; readonly resource: string }
    readonly configMapKeyRef?: KeyReference
    readonly secretKeyRef?: KeyReference
  }
}

export interface EnvSource {
  readonly prefix?: string
  readonly configMapRef?: { readonly name: string; readonly optional?: boolean }
  readonly secretRef?: { readonly name: string; readonly optional?: boolean }
}

export interface Action {
  readonly exec?: { readonly command: readonly string[] }
  readonly httpGet?: {
    readonly path?: string
    readonly port: number | string
    readonly host?: string
    readonly scheme?: 'HTTP' | 'HTTPS'
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[]
  }
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string }
  readonly grpc?: { readonly port: number; readonly service?: string }
  readonly sleep?: { readonly seconds: number }
}

export interface Probe extends Action {
  readonly initialDelaySeconds?: number
  readonly periodSeconds?: number
  readonly timeoutSeconds?: number
  readonly successThreshold?: number
  readonly failureThreshold?: number
  readonly terminationGracePeriodSeconds?: number
}

export interface SecurityContext {
  readonly runAsUser?: number
  readonly runAsGroup?: number
}

export interface ContainerSpec {
  readonly name: string
  readonly image: string
  readonly imagePullPolicy?: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly workingDir?: string
  readonly env?: readonly EnvVariable[]
  readonly envFrom?: readonly EnvSource[]
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  readonly volumeMounts?: readonly {
    readonly name: string
    readonly mountPath: string
    readonly subPath?: string
    readonly readOnly?: boolean
  }[]
  readonly resources?: {
    readonly limits?: Readonly<Record<string, string>>
    readonly requests?: Readonly<Record<string, string>>
  }
  readonly startupProbe?: Probe
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
  readonly lifecycle?: { readonly postStart?: Action; readonly preStop?: Action }
  readonly securityContext?: SecurityContext
  readonly terminationMessagePath?: string
  readonly terminationMessagePolicy?: string
  /** `Always` in an init container makes it a sidecar. */
  readonly restartPolicy?: string
}

export interface KeysToPaths {
  readonly items?: readonly { readonly key: string; readonly path: string }[]
  readonly optional?: boolean
}

export interface FieldItem {
  readonly path: string
  readonly fieldRef?: { readonly fieldPath: string }
}

export interface ProjectedSource {
  readonly configMap?: KeysToPaths & { readonly name: string }
  readonly secret?: KeysToPaths & { readonly name?: string; readonly secretName?: string }
  readonly downwardAPI?: { readonly items?: readonly FieldItem[] }
  readonly serviceAccountToken?: {
    readonly path: string
    readonly audience?: string
    readonly expirationSeconds?: number
  }
}

export interface Volume extends ProjectedSource {
  readonly name: string
  readonly emptyDir?: object
  readonly hostPath?: { readonly path: string; readonly type?: string }
  readonly projected?: { readonly sources?: readonly ProjectedSource[] }
}

export interface PodSpec {
  readonly nodeName?: string
  readonly serviceAccountName?: string
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never'
  readonly terminationGracePeriodSeconds?: number
  readonly hostNetwork?: boolean
  readonly hostname?: string
  readonly hostAliases?: readonly { readonly ip: string; readonly hostnames?: readonly string[] }[]
  readonly dnsPolicy?: string
  readonly securityContext?: SecurityContext
  readonly readinessGates?: readonly { readonly conditionType: string }[]
  readonly initContainers?: readonly ContainerSpec[]
  readonly containers: readonly ContainerSpec[]
  readonly volumes?: readonly Volume[]
}

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
}

export interface Terminated {
  readonly exitCode: number
  readonly signal?: number
  readonly reason: string
  readonly message?: string
  readonly startedAt: string
  readonly finishedAt: string
  readonly containerID: string
}

export interface ContainerState {
  readonly waiting?: { readonly reason: string; readonly message?: string }
  readonly running?: { readonly startedAt: string }
  readonly terminated?: Terminated
}

export interface ContainerStatus {
  readonly name: string
  readonly image: string
  readonly imageID: string
  readonly containerID?: string
  readonly restartCount: number
  readonly ready: boolean
  readonly started: boolean
  readonly state: ContainerState
  readonly lastState: ContainerState
}

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

export interface PodStatus {
  readonly phase: Phase
  readonly hostIP?: string
  readonly hostIPs?: readonly object[]
  readonly podIP?: string
  readonly podIPs?: readonly object[]
  readonly startTime?: string
  readonly conditions?: readonly Condition[]
  readonly containerStatuses?: readonly ContainerStatus[]
  readonly initContainerStatuses?: readonly ContainerStatus[]
}

export interface PodObject {
  readonly metadata: Metadata
  readonly spec: PodSpec
  readonly status: PodStatus
}
