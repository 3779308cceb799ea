import { existsSync } from 'node:fs'
import { must } from '../../interop/command.ts'
import type { Layout, NodeState } from './state.ts'

/** The `kubernetes` Service, and the API server itself, so that in-cluster configuration works from the first moment. */
export const SERVICE_ADDRESS = '10.96.0.1'
export const SERVICE_RANGE = '10.96.0.0/16'
/** Where names are looked up. */
export const DNS_ADDRESS = '10.96.0.10'
export const CLUSTER_DOMAIN = 'cluster.local'
export const API_PORT = 443

/** 10.244.INDEX.0/24 belongs to the node, its first address to the node itself. */
export function podNetworkOf({ index }: Pick<NodeState, 'index'>): {
  readonly bridge: string
  readonly prefix: string
  readonly gateway: string
} {
  const prefix = `10.244.${index}`
  return { bridge: `pods${index}`, prefix, gateway: `${prefix}.1` }
}

/** The first words of a command that runs inside the bed's network. Not `ip netns exec`: that hides the cgroups. */
export function inside(layout: Layout): string[] {
  return ['nsenter', `--net=${layout.namespaceFile}`]
}

/** A network with no way out: only loopback, and the bridges of the nodes. Making it twice is the same as once. */
export async function makeNetwork(layout: Layout): Promise<void> {
  if (existsSync(layout.namespaceFile)) return
  await must('ip', ['netns', 'add', layout.name])
  await must('ip', ['-n', layout.name, 'link', 'set', 'lo', 'up'])
  for (const address of [SERVICE_ADDRESS, DNS_ADDRESS]) {
    await must('ip', ['-n', layout.name, 'address', 'add', `${address}/32`, 'dev', 'lo'])
  }
  // Pods of one node reach those of another through the namespace.
  const [file, ...args] = inside(layout)
  await must(file!, [...args, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
}

export async function removeNetwork(layout: Layout): Promise<void> {
  if (existsSync(layout.namespaceFile)) await must('ip', ['netns', 'delete', layout.name])
}
