import type { KubeObject } from '../../kubernetes/api/index.ts'

/** The fields of a pod that commands look at. */
export interface PodFacts {
  readonly name: string
  readonly namespace: string
  readonly isReady: boolean
  readonly podIP: string | undefined
  readonly hostIP: string | undefined
  readonly serviceAccount: string | undefined
  /** Names of the containers and of their ports. */
  readonly containers: readonly { readonly name: string; readonly ports: ReadonlyMap<string, number> }[]
  /** Why a pod that is not ready is not: `ImagePullBackOff`, `Unschedulable: ...`, its phase. */
  readonly reason: string
}

interface PodShape {
  readonly spec?: {
    readonly serviceAccountName?: string
    readonly containers?: readonly {
      readonly name: string
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
    }[]
  }
  readonly status?: {
    readonly phase?: string
    readonly podIP?: string
    readonly hostIP?: string
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
    readonly containerStatuses?: readonly {
      readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } }
    }[]
  }
}

export function podFacts(pod: KubeObject & PodShape): PodFacts {
  const { metadata, spec, status } = pod
  const condition = (type: string) => status?.conditions?.find((one) => one.type === type)
  const isGoing = metadata.deletionTimestamp !== undefined
  const waiting = status?.containerStatuses
    ?.map(({ state }) => state?.waiting)
    .find((one) => one !== undefined)
  const scheduled = condition('PodScheduled')
  const unscheduled = scheduled?.status === 'False' ? scheduled : undefined
  const why = [waiting?.reason ?? unscheduled?.reason, waiting?.message ?? unscheduled?.message]
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    isReady: !isGoing && status?.phase === 'Running' && condition('Ready')?.status === 'True',
    podIP: status?.podIP,
    hostIP: status?.hostIP,
    serviceAccount: spec?.serviceAccountName,
    containers: (spec?.containers ?? []).map(({ name, ports }) => ({
      name,
      ports: new Map((ports ?? []).map((port) => [port.name ?? '', port.containerPort])),
    })),
    reason: isGoing ? 'is being deleted' : why.filter(Boolean).join(': ') || (status?.phase ?? 'Pending'),
  }
}
