import type { KubeObject, ResourceCache } from './api/index.ts'

/** The label selector of the gateways' pods. */
export const GATEWAY_PODS = 'app.kubernetes.io/name=pilotlight,app.kubernetes.io/component=gateway'

/** That of the controllers' pods. */
export const CONTROLLER_PODS = 'app.kubernetes.io/name=pilotlight,app.kubernetes.io/component=controller'

/**
 * Names of the living gateways, sorted: their pods, as the API server shows them, once a container of theirs has begun to
 * run. A pod that is being deleted still counts, since it may still have requests; and so does one that Redis has not
 * heard of, since it may only be cut off.
 */
export function livingGateways(pods: Pick<ResourceCache, 'values'>): readonly string[] {
  return [...pods.values()]
    .filter((pod) => hasBegun(pod) && !isOver(pod))
    .map(({ metadata }) => metadata.name)
    .sort()
}

function hasBegun({ status }: KubeObject): boolean {
  if (typeof status !== 'object' || status === null || !('containerStatuses' in status)) return false
  const containers: readonly { restartCount?: number; state?: object }[] = Array.isArray(
    status.containerStatuses,
  )
    ? status.containerStatuses
    : []
  return containers.some(({ restartCount = 0, state = {} }) => restartCount > 0 || !('waiting' in state))
}

function isOver({ status }: KubeObject): boolean {
  if (typeof status !== 'object' || status === null || !('phase' in status)) return false
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}
