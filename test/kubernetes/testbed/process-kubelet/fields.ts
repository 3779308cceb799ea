import { podNetworkOf } from '../network.ts'
import type { PodContext } from './pod-context.ts'

/** The value of a field of the pod as `fieldRef` names it, such as `metadata.labels['app']` or `status.podIP`. */
export function fieldOf(path: string, { object, node, sandbox }: PodContext): string {
  const { metadata, spec } = object()
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? []
  if (key !== undefined) return (map === 'labels' ? metadata.labels : metadata.annotations)?.[key] ?? ''
  switch (path) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace
    case 'metadata.uid':
      return metadata.uid
    case 'metadata.labels':
      return listed(metadata.labels)
    case 'metadata.annotations':
      return listed(metadata.annotations)
    case 'spec.nodeName':
      return node.name
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? 'default'
    case 'status.podIP':
    case 'status.podIPs':
      return sandbox.address
    case 'status.hostIP':
    case 'status.hostIPs':
      return podNetworkOf(node).gateway
    default:
      throw new Error(`the process kubelet does not know the field ${path}`)
  }
}

function listed(map: Readonly<Record<string, string>> = {}): string {
  return Object.entries(map)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
    .join('')
}
