import type { GatewayMetric, ReplicaMetric } from './measurements.ts'
import type { InferenceServiceName, RevisionName } from './names.ts'

/** Which part of an InferenceService: what a request passes through. */
export type ComponentKind = 'predictor' | 'transformer' | 'explainer'

/** One environment variable of a container. */
export interface EnvVar {
  readonly name: string
  readonly value: string
}

/** How to ask a replica whether it can answer: a Kubernetes probe. What only a kubelet uses is marked so. */
export interface Probe {
  readonly httpGet?: {
    readonly path: string
    readonly port?: number | string
    /** For a kubelet. */
    readonly host?: string
    readonly scheme?: 'HTTP' | 'HTTPS'
    readonly httpHeaders?: readonly EnvVar[]
  }
  readonly tcpSocket?: {
    readonly port?: number | string
    /** For a kubelet. */
    readonly host?: string
  }
  readonly exec?: { readonly command: readonly string[] }
  /** gRPC's own health check. */
  readonly grpc?: { readonly port?: number; readonly service?: string }
  readonly initialDelaySeconds?: number
  readonly timeoutSeconds?: number
  readonly successThreshold?: number
  /** For a kubelet. */
  readonly periodSeconds?: number
  /** For a kubelet. */
  readonly failureThreshold?: number
  /** For a kubelet. */
  readonly terminationGracePeriodSeconds?: number
}

/** A Kubernetes container's port. */
export interface ContainerPort {
  readonly name?: string
  readonly containerPort: number
  readonly protocol?: string
  /** What is spoken there, as a Kubernetes Service's port says it; a container's own has no such field. */
  readonly appProtocol?: string
  /** On Kubernetes: a port of the node that leads here. */
  readonly hostPort?: number
  readonly hostIP?: string
}

/** Where a model comes from, and where the container expects it. */
export interface ModelSource {
  /** `<scheme-placeholder>://path` where the secret's entry says what kind of storage it is, and which bucket. */
  readonly uri: string
  readonly mountPath: string
  /** The entry of the namespace's secret `storage-config`: KServe's `storage.key`, '' where only parameters are given. */
  readonly key?: string
  /** What overrides that entry. */
  readonly parameters?: Readonly<Record<string, string>>
  /** The ClusterStorageContainer that has to fetch it. */
  readonly container?: string
}

/** What pods carry beside what we write on them. */
export interface PodMetadata {
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

/**
 * How to run one replica: the runtime's container merged with the service's. Placeholders that depend on
 * the replica (`{{.Port}}`, `{{.ModelDir}}`) are still in `command`, `args`, `env` and `workingDir`.
 */
export interface ReplicaTemplate {
  /** Name of the ServingRuntime or ClusterServingRuntime, if one was used. */
  readonly runtime?: { readonly kind: 'ServingRuntime' | 'ClusterServingRuntime'; readonly name: string }
  readonly image?: string
  readonly command: readonly string[]
  readonly args: readonly string[]
  readonly env: readonly EnvVar[]
  readonly workingDir?: string
  /** The folder of the manifest file that says `workingDir` or a relative command; undefined on Kubernetes. */
  readonly baseDir?: string
  /** Of the container that takes the requests: with a collocated transformer on Kubernetes, the transformer's. */
  readonly ports: readonly ContainerPort[]
  readonly readinessProbe?: Probe
  /** Kubernetes quantities, as written: `{ cpu: '1', memory: '2Gi', 'nvidia.com/gpu': '1' }`. */
  readonly requests: Readonly<Record<string, string>>
  readonly limits: Readonly<Record<string, string>>
  readonly storage: readonly ModelSource[]
  /** What the model is called in V1 and V2 paths; undefined for a custom container. */
  readonly modelName?: string
  /** The protocol that the readiness check speaks. */
  readonly protocol?: 'v1' | 'v2' | 'grpc-v1' | 'grpc-v2'
  readonly terminationGracePeriodSeconds?: number
  /** On Kubernetes only; absent where there is nothing to carry. */
  readonly podMetadata?: PodMetadata
  /**
   * The rest of the pod spec (nodeSelector, tolerations, volumes ...), passed on as written on Kubernetes. Its
   * `containers` are, first, what this template does not say of the container that serves (its name if that is not
   * `kserve-container`; every variable in its order if one has its value from elsewhere), then those beside it.
   */
  readonly podSpec: Readonly<Record<string, unknown>>
}

/** Limits on the requests of one revision. */
export interface RequestLimits {
  /** Requests in flight on one replica at most; 0 = no limit. KServe's `containerConcurrency`. */
  readonly containerConcurrency: number
  /** The whole request once it has a replica, in ms; 0 = no limit. KServe's `timeout`, default 300 s. */
  readonly timeoutMs: number
  /** From handing the request to a replica to the first byte of its answer, in ms; 0 = no limit. */
  readonly responseStartTimeoutMs: number
  /** The longest silence of a replica in mid-answer, in ms; 0 = no limit. */
  readonly idleTimeoutMs: number
}

/**
 * What the autoscaler is told, as Knative's annotations: KServe's minReplicas, maxReplicas, scaleTarget and
 * scaleMetric arrive as `autoscaling.knative.dev/min-scale`, `max-scale`, `target` and `metric`.
 */
export interface ScalingSpec {
  /**
   * `kpa`: on what gateways report. `hpa`: as Kubernetes' HPA, on `metrics`. `llm`: on what engines say. `fixed`:
   * min-scale replicas, always (autoscaler class none). `external`: somebody else scales (autoscaler class external).
   */
  readonly class: 'kpa' | 'hpa' | 'llm' | 'fixed' | 'external'
  /** Beside those above: `pilotlight.dev/llm-*`, and what says where a replica's metrics are (see `scrapeTarget`). */
  readonly annotations: Readonly<Record<string, string>>
  /** Of class `hpa`: what it scales on, in the manifest's order; never empty there. */
  readonly metrics?: readonly ScalingMetric[]
  /** Of class `hpa`: `behavior` of an autoscaling/v2 HorizontalPodAutoscaler; absent where the manifest has none. */
  readonly behavior?: ScalingBehavior
}

/** One metric of class `hpa`. Amounts are Kubernetes quantities. */
export type ScalingMetric =
  /** CPU or memory of the replicas. */
  | { readonly kind: 'resource'; readonly resource: 'cpu' | 'memory'; readonly target: MetricTarget }
  /** What each replica's engine or GPUs say: a mean over the replicas. */
  | { readonly kind: 'replica'; readonly metric: ReplicaMetric; readonly target: MetricTarget }
  /**
   * A series that each replica exports: `name` or `name{label="value"}`, summed within the replica. KServe's `podmetric`.
   * `overTime` is of what the replica said in the last minute; default the last value.
   */
  | {
      readonly kind: 'series'
      readonly query: string
      readonly overTime?: 'avg' | 'max' | 'min' | 'rate' | 'count' | 'last_one'
      readonly target: MetricTarget
    }
  /** What gateways report of the revision as a whole. */
  | { readonly kind: 'gateway'; readonly metric: GatewayMetric; readonly target: MetricTarget }
  /** What a Prometheus server answers; `server` undefined = the configured one. KServe's `external`. */
  | {
      readonly kind: 'prometheus'
      readonly server?: string
      readonly query: string
      /** Sent as `namespace` to servers that have tenants. */
      readonly namespace?: string
      readonly target: MetricTarget
    }

/** As in autoscaling/v2; `value` of a Utilization is a percent. */
export interface MetricTarget {
  readonly type: 'Utilization' | 'AverageValue' | 'Value'
  readonly value: string | number
}

export interface ScalingBehavior {
  readonly scaleUp?: ScalingRulesSpec
  readonly scaleDown?: ScalingRulesSpec
}

export interface ScalingRulesSpec {
  readonly stabilizationWindowSeconds?: number
  readonly selectPolicy?: string
  readonly tolerance?: string | number
  readonly policies?: readonly {
    readonly type: string
    readonly value: number
    readonly periodSeconds: number
  }[]
}

/** What a revision is made of. Two equal templates are the same revision. */
export interface RevisionTemplate {
  readonly replica: ReplicaTemplate
  readonly limits: RequestLimits
  readonly scaling: ScalingSpec
}

/** One immutable version of a component: the thing that scales. */
export interface Revision {
  readonly name: RevisionName
  readonly service: InferenceServiceName
  readonly component: ComponentKind
  /** `sklearn-iris-predictor`: what the revisions of one component share. */
  readonly componentName: string
  /** 1 for `...-00001`. */
  readonly generation: number
  readonly createdAtMs: number
  readonly template: RevisionTemplate
}
