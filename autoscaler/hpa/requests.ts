import { bigintOf, wrapInt64 } from './milli.ts'
import type { ContainerRequests, HpaPod } from './pods.ts'

/** What each pod asked for of a resource, by the pod's name; or why that cannot be said. */
export type PodRequests =
  | { readonly ok: true; readonly requests: ReadonlyMap<string, bigint> }
  | { readonly ok: false; readonly error: string }

export interface RequestsQuestion {
  readonly resource: string
  /** Only this container of each pod. */
  readonly container?: string | undefined
  /** Kubernetes' gate PodLevelResources: requests of a pod as a whole count. */
  readonly podLevelResources: boolean
}

/** One container without a request, in any of the pods, and nothing can be said: a share needs a whole. */
export function podRequestsOf(pods: readonly HpaPod[], question: RequestsQuestion): PodRequests {
  const requests = new Map<string, bigint>()
  for (const pod of pods) {
    const isWhole = question.podLevelResources && question.container === undefined && hasPodRequests(pod)
    const request = isWhole ? effectiveRequest(pod, question.resource) : requestOfContainers(pod, question)
    if (typeof request === 'string') return { ok: false, error: request }
    requests.set(pod.name, request)
  }
  return { ok: true, requests }
}

function hasPodRequests({ podRequests = {} }: HpaPod): boolean {
  return Object.keys(podRequests).some(isPodLevelResource)
}

/** The resources that may be asked for by a pod as a whole. */
function isPodLevelResource(resource: string): boolean {
  return resource === 'cpu' || resource === 'memory' || resource.startsWith('hugepages-')
}

/** The sum over containers and sidecars, or one of them alone; in words which request is missing. */
function requestOfContainers(pod: HpaPod, { resource, container }: RequestsQuestion): bigint | string {
  const sidecars = (pod.initContainers ?? []).filter(({ restartAlways }) => restartAlways === true)
  const all = [...(pod.containers ?? []), ...sidecars]
  const asked = container === undefined ? all : all.filter(({ name }) => name === container).slice(0, 1)
  if (container !== undefined && asked.length === 0) {
    return `container ${container} not found in Pod ${pod.name}`
  }
  let sum = 0n
  for (const { name, requests } of asked) {
    const request = requests?.[resource]
    if (request === undefined) {
      return `missing request for ${resource} in container ${name} of Pod ${pod.name}`
    }
    sum = wrapInt64(sum + bigintOf(request))
  }
  return sum
}

/**
 * What a pod with requests of its own needs: those, and for a resource that they leave out what its containers
 * need at most at one time. Containers and sidecars run together; an init container runs beside the sidecars
 * that were started before it.
 */
function effectiveRequest(pod: HpaPod, resource: string): bigint | string {
  const own = isPodLevelResource(resource) ? pod.podRequests?.[resource] : undefined
  if (own !== undefined) return bigintOf(own)
  const { containers = [], initContainers = [] } = pod
  if (![...containers, ...initContainers].some(({ requests }) => requests?.[resource] !== undefined)) {
    return `missing pod-level request for ${resource} in Pod ${pod.name}`
  }
  const amountOf = ({ requests }: ContainerRequests): bigint => bigintOf(requests?.[resource] ?? 0)
  let sidecars = 0n
  let starting = 0n
  for (const container of initContainers) {
    const together = sidecars + amountOf(container)
    if (container.restartAlways === true) sidecars = together
    if (together > starting) starting = together
  }
  const running = containers.reduce((sum, container) => sum + amountOf(container), sidecars)
  return running > starting ? running : starting
}
