import type { Api } from '../api.ts'
import { hasStatus } from '../api.ts'
import { type Clock, rfc3339 } from '../../../../src/core/clock.ts'
import { kubernetesVersion } from '../binaries/build.ts'
import { podNetworkOf } from '../network.ts'
import type { NodeState } from '../state.ts'
import type { Condition } from './objects.ts'

const RETRY_MS = 1_000

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'

/** Registers the node, with the rights of a node: labels and taints only at its birth, as NodeRestriction wants it. */
export async function registerNode(api: Api, node: NodeState, clock: Clock): Promise<void> {
  const labels = {
    'kubernetes.io/hostname': node.name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    ...node.labels,
  }
  const created = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, labels },
    spec: { taints: node.taints },
  }
  await api.post('/api/v1/nodes', created).catch((error: unknown) => {
    if (!hasStatus(error, 409)) throw error
  })
  await reportNode(api, node, clock)
}

async function reportNode(api: Api, node: NodeState, clock: Clock): Promise<void> {
  await api.patch(`/api/v1/nodes/${node.name}/status`, { status: nodeStatus(node, clock) }, 'strategic-merge')
}

function nodeStatus(node: NodeState, clock: Clock): object {
  const now = rfc3339(clock.now())
  const condition = (type: string, status: string, reason: string): object => ({
    type,
    status,
    reason,
    message: reason,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  })
  const capacity = {
    cpu: '64',
    memory: '64Gi',
    pods: '250',
    'ephemeral-storage': '100Gi',
    ...(node.gpus === 0 ? {} : { 'nvidia.com/gpu': String(node.gpus) }),
  }
  return {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: 'InternalIP', address: podNetworkOf(node).gateway },
      { type: 'Hostname', address: node.name },
    ],
    conditions: [
      condition('Ready', 'True', 'KubeletReady'),
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID'),
    ],
    nodeInfo: {
      kubeletVersion: kubernetesVersion(),
      operatingSystem: 'linux',
      architecture: 'amd64',
      containerRuntimeVersion: 'process://1',
      osImage: 'process kubelet',
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: '',
      kubeProxyVersion: '',
    },
  }
}

/**
 * Renews the node's Lease for ever, by default every 10 s, as the kubelet does. A controller that sees it stand still for
 * `graceSeconds` says that the node is not ready.
 */
export async function heartbeat(
  api: Api,
  { node, graceSeconds, clock }: { node: NodeState; graceSeconds: number; clock: Clock },
): Promise<never> {
  const leaseSeconds = leaseSecondsOf(graceSeconds)
  for (;;) {
    try {
      await renewLease(api, { node, leaseSeconds, clock })
      // What a controller wrote while the node was silent (Ready: Unknown) is put right.
      if (!(await isReady(api, node))) await reportNode(api, node, clock)
      await clock.sleep(leaseSeconds * 250)
    } catch (error) {
      console.log('heartbeat failed:', error instanceof Error ? error.message : error)
      await clock.sleep(RETRY_MS)
    }
  }
}

/** A lease of 40 s for the 50 s that are the default. It is renewed four times in its life. */
export function leaseSecondsOf(graceSeconds: number): number {
  return Math.max(1, Math.floor(graceSeconds * 0.8))
}

async function isReady(api: Api, node: NodeState): Promise<boolean> {
  const { status } = await api.get<{ readonly status: { readonly conditions?: readonly Condition[] } }>(
    `/api/v1/nodes/${node.name}`,
  )
  return status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
}

async function renewLease(
  api: Api,
  { node, leaseSeconds, clock }: { node: NodeState; leaseSeconds: number; clock: Clock },
): Promise<void> {
  const renewTime = rfc3339(clock.now()).replace('Z', '.000000Z')
  const spec = { holderIdentity: node.name, leaseDurationSeconds: leaseSeconds, renewTime }
  try {
    await api.patch(`${LEASES}/${node.name}`, { spec })
  } catch (error) {
    if (!hasStatus(error, 404)) throw error
    const metadata = { name: node.name }
    await api.post(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec })
  }
}
