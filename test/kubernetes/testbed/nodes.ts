import { fileURLToPath } from 'node:url'
import { rfc3339 } from '../../../src/core/clock.ts'
import type { Api } from './api.ts'
import type { Component } from './control-plane.ts'
import type { Layout, NodeState } from './state.ts'

/** As many as there are pod networks; the first is index 1. */
const NODES_MAX = 200
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export interface NodeOptions {
  readonly name: string
  /** Capacity of `nvidia.com/gpu`. Default 0: the node has none. */
  readonly gpus?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly { readonly key: string; readonly value: string; readonly effect: string }[]
}

export class UnusableNode extends Error {
  override readonly name = 'UnusableNode'
}

/**
 * Reads a node as the command line has it: a name, then its properties, such as
 * `gpu-a,gpus=8,label:zone=east,taint:nvidia.com/gpu=present:NoSchedule`.
 * @throws UnusableNode
 */
export function parseNode(text: string): NodeOptions {
  const [name = '', ...properties] = text.split(',')
  const labels: Record<string, string> = {}
  const taints: { key: string; value: string; effect: string }[] = []
  let gpus = 0
  for (const property of properties) {
    const gpuCount = /^gpus=(\d+)$/.exec(property)?.[1]
    const [, label, labelValue] = /^label:([^=]+)=(.*)$/.exec(property) ?? []
    const [, key, value, effect] = /^taint:([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(property) ?? []
    if (gpuCount !== undefined) gpus = Number(gpuCount)
    else if (label !== undefined) labels[label] = labelValue ?? ''
    else if (key !== undefined && effect !== undefined) taints.push({ key, value: value ?? '', effect })
    else {
      throw new UnusableNode(
        `node ${name}: got ${JSON.stringify(property)}; allowed: gpus=N, label:KEY=VALUE, taint:KEY[=VALUE]:EFFECT`,
      )
    }
  }
  return { name, gpus, labels, taints }
}

/** Gives new nodes their place in the network; nodes that are there already stay as they are. */
export function placeNodes(present: readonly NodeState[], wanted: readonly NodeOptions[]): NodeState[] {
  const nodes = [...present]
  for (const { name, gpus = 0, labels = {}, taints = [] } of wanted) {
    if (!NAME.test(name)) {
      throw new UnusableNode(`node name: got ${JSON.stringify(name)}; allowed: 1 to 40 of a-z, 0-9 and -`)
    }
    for (const { effect } of taints) {
      if (!EFFECTS.includes(effect)) {
        throw new UnusableNode(`taint of node ${name}: got effect ${effect}; allowed: ${EFFECTS.join(', ')}`)
      }
    }
    if (nodes.some((node) => node.name === name)) continue
    const used = new Set(nodes.map((node) => node.index))
    const index = Array.from({ length: NODES_MAX }, (_, i) => i + 1).find((i) => !used.has(i))
    if (index === undefined) throw new UnusableNode(`nodes: a test bed has ${NODES_MAX} at most`)
    nodes.push({ name, gpus, labels: { ...labels }, taints: taints.map((taint) => ({ ...taint })), index })
  }
  return nodes
}

/** A process of its own for each node, so that one can die alone. */
export function processNode(layout: Layout, { name }: NodeState): Component {
  const program = fileURLToPath(new URL('process-kubelet/main.ts', import.meta.url))
  return {
    name: `node:${name}`,
    argv: [process.execPath, program, layout.stateDir, name],
    isReady: (api, startedAtMs) => isNodeReady(api, name, startedAtMs),
  }
}

/** A node that was killed and comes back still counts as ready for a while: only a newer heartbeat says that it is. */
export async function isNodeReady(api: Api, name: string, startedAtMs: number): Promise<boolean> {
  const [node, lease] = await Promise.all([
    api.get<{
      status?: { conditions?: { type: string; status: string }[] }
      spec: { taints?: { key: string }[] }
    }>(`/api/v1/nodes/${name}`),
    api.get<{ spec: { renewTime?: string } }>(
      `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`,
    ),
  ])
  const isReady = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  // A new node is tainted until the controllers have seen that it is ready; before, no pod is scheduled to it.
  const isOpen = !node.spec.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/'))
  return isReady === true && isOpen && (lease.spec.renewTime ?? '') >= rfc3339(startedAtMs)
}
