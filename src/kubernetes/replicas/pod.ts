import type { ContainerPort, EnvVar } from '../../core/revision.ts'
import { parseRfc3339 } from '../../core/rfc3339.ts'
import type { KubeObject } from '../api/kube-object.ts'
import { SERVING_CONTAINER, TRANSFORMER_CONTAINER } from '../objects/index.ts'

/** The parts of a pod that say what its replica is doing, as the API server writes them. */
export interface Pod extends KubeObject {
  readonly spec?: PodSpec
  readonly status?: PodStatus
}

export interface PodSpec {
  readonly nodeName?: string
  readonly containers: readonly PodContainer[]
  readonly initContainers?: readonly PodContainer[]
  readonly readinessGates?: readonly { readonly conditionType: string }[]
}

export interface PodContainer {
  readonly name: string
  readonly image?: string
  readonly ports?: readonly ContainerPort[]
  readonly readinessProbe?: PodProbe
  /** Of an init container: `Always` makes it a sidecar, which runs as long as the pod. */
  readonly restartPolicy?: string
}

export interface PodProbe {
  readonly httpGet?: {
    readonly path?: string
    readonly port: number | string
    readonly host?: string
    readonly scheme?: string
    readonly httpHeaders?: readonly EnvVar[]
  }
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string }
  readonly grpc?: { readonly port: number; readonly service?: string }
  readonly exec?: { readonly command?: readonly string[] }
  readonly timeoutSeconds?: number
  readonly successThreshold?: number
}

export interface PodStatus {
  /** Pending, Running, Succeeded, Failed, Unknown. */
  readonly phase?: string
  readonly reason?: string
  readonly message?: string
  readonly podIP?: string
  readonly conditions?: readonly PodCondition[]
  readonly containerStatuses?: readonly ContainerStatus[]
  readonly initContainerStatuses?: readonly ContainerStatus[]
}

export interface PodCondition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
}

export interface ContainerStatus {
  readonly name: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly containerID?: string
  readonly state?: ContainerState
  readonly lastState?: ContainerState
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string }
  readonly running?: { readonly startedAt?: string }
  readonly terminated?: Terminated
}

export interface Terminated {
  readonly exitCode: number
  readonly signal?: number
  readonly reason?: string
  readonly message?: string
  readonly finishedAt?: string
}

/** A container with what the kubelet last said of it. */
export interface Part {
  readonly container: PodContainer
  readonly status: ContainerStatus | undefined
}

/** The containers of a pod by what they are for. */
export interface PodParts {
  /** The one that takes the requests; undefined for a pod without containers, which no API server lets in. */
  readonly serving: Part | undefined
  /** What runs beside it: sidecars, old and new style. */
  readonly others: readonly Part[]
  /** What has to end before they start, in its order. */
  readonly init: readonly Part[]
}

/** A transformer beside its model answers for both, as in KServe. */
const SERVING_NAMES = [TRANSFORMER_CONTAINER, SERVING_CONTAINER]

export function partsOf({ spec, status }: Pod): PodParts {
  const withStatus = (
    containers: readonly PodContainer[] | undefined,
    statuses: readonly ContainerStatus[] | undefined,
  ): Part[] =>
    (containers ?? []).map((container) => ({
      container,
      status: statuses?.find(({ name }) => name === container.name),
    }))
  const running = withStatus(spec?.containers, status?.containerStatuses)
  const init = withStatus(spec?.initContainers, status?.initContainerStatuses)
  const serving =
    SERVING_NAMES.map((name) => running.find(({ container }) => container.name === name)).find(
      (part) => part !== undefined,
    ) ?? running[0]
  const isSidecar = ({ container }: Part): boolean => container.restartPolicy === 'Always'
  return {
    serving,
    others: [...running.filter((part) => part !== serving), ...init.filter(isSidecar)],
    init: init.filter((part) => !isSidecar(part)),
  }
}

export function isRunning({ status }: Part): boolean {
  return status?.state?.running !== undefined
}

export function conditionOf({ status }: Pod, type: string): PodCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}

export function isTrue(condition: PodCondition | undefined): boolean {
  return condition?.status === 'True'
}

/** Epoch ms of a timestamp of Kubernetes; undefined when it has none. */
export function msOf(timestamp: string | undefined): number | undefined {
  return timestamp === undefined ? undefined : parseRfc3339(timestamp)
}
