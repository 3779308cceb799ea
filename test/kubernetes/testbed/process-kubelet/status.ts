import type { Condition, ContainerStatus, Phase, PodObject, PodStatus } from './objects.ts'

/** All that a pod's status is made of. */
export interface Observation {
  readonly object: PodObject
  readonly hostAddress: string
  readonly address: string | undefined
  readonly startTime: string
  readonly initContainers: readonly ContainerStatus[]
  readonly containers: readonly ContainerStatus[]
  readonly isInitialized: boolean
  /** It was deleted and nothing of it runs any more. */
  readonly isOver: boolean
  readonly now: string
  /** Those that were written last, so that the time of a transition stays. */
  readonly conditions: readonly Condition[]
}

/** The status as a strategic merge patch of the pod. */
export function statusOf(observation: Observation): PodStatus & { readonly conditions: Condition[] } {
  const { object, address, hostAddress, startTime, initContainers, containers } = observation
  const phase = phaseOf(observation)
  return {
    phase,
    conditions: conditionsOf(observation, phase),
    hostIP: hostAddress,
    hostIPs: replaced([hostAddress]),
    ...(address === undefined ? {} : { podIP: address, podIPs: replaced([address]) }),
    startTime,
    containerStatuses: containers,
    ...(object.spec.initContainers === undefined ? {} : { initContainerStatuses: initContainers }),
  }
}

/** These lists are merged by address otherwise, and a node that comes back gives its pods other ones. */
function replaced(addresses: readonly string[]): object[] {
  return [{ $patch: 'replace' }, ...addresses.map((ip) => ({ ip }))]
}

function phaseOf({ object, initContainers, containers, isInitialized, isOver }: Observation): Phase {
  const policy = object.spec.restartPolicy ?? 'Always'
  const failedInit = initContainers.some(({ state }) => (state.terminated?.exitCode ?? 0) !== 0)
  if (!isInitialized && failedInit && (policy === 'Never' || isOver)) return 'Failed'
  if (!isInitialized && !isOver) return 'Pending'
  if (containers.some(({ state, lastState }) => state.waiting && !lastState.terminated)) {
    return isOver ? 'Failed' : 'Pending'
  }
  if (!containers.every(({ state }) => state.terminated)) return isOver ? 'Failed' : 'Running'
  if (policy === 'Always' && !isOver) return 'Running'
  if (containers.every(({ state }) => state.terminated?.exitCode === 0)) return 'Succeeded'
  return policy === 'Never' || isOver ? 'Failed' : 'Running'
}

function conditionsOf(observation: Observation, phase: Phase): Condition[] {
  const { object, address, containers, isInitialized, isOver } = observation
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name)
  const isDone = phase === 'Succeeded' || phase === 'Failed'
  const whyNot =
    phase === 'Succeeded'
      ? { reason: 'PodCompleted' }
      : phase === 'Failed'
        ? { reason: 'PodFailed' }
        : { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` }
  const areContainersReady = !isDone && isInitialized && unready.length === 0
  const closedGates = (object.spec.readinessGates ?? []).filter(
    ({ conditionType }) =>
      !object.status.conditions?.some(({ type, status }) => type === conditionType && status === 'True'),
  )
  const isReady = areContainersReady && closedGates.length === 0
  const whyNotReady = areContainersReady
    ? {
        reason: 'ReadinessGatesNotReady',
        message: `corresponding condition of pod readiness gate "${closedGates[0]?.conditionType}" is not True`,
      }
    : whyNot
  const condition = (type: string, isTrue: boolean, why: { reason: string; message?: string }): Condition => {
    const status = isTrue ? 'True' : 'False'
    const before = observation.conditions.find((each) => each.type === type)
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : undefined
    return {
      type,
      status,
      lastTransitionTime: lastTransitionTime ?? observation.now,
      ...(isTrue ? cleared : why),
    }
  }
  return [
    condition('PodReadyToStartContainers', address !== undefined && !isOver, { reason: 'SandboxNotReady' }),
    condition('Initialized', isInitialized, { reason: 'ContainersNotInitialized' }),
    condition('ContainersReady', areContainersReady, whyNot),
    condition('Ready', isReady, whyNotReady),
  ]
}

/** Conditions are merged by type: what an earlier patch said has to be taken back by name. */
const cleared: { readonly reason?: string; readonly message?: string } = JSON.parse(
  '{"reason":null,"message":null}',
)
