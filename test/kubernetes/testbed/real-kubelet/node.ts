import { fileURLToPath } from 'node:url'
import type { Component } from '../control-plane.ts'
import { isNodeReady } from '../nodes.ts'
import type { Layout, NodeState } from '../state.ts'
import { NodeFolder } from './config.ts'

const program = fileURLToPath(new URL('main.ts', import.meta.url))
const privateScript = fileURLToPath(new URL('private.sh', import.meta.url))

/** containerd and the kubelet with everything that they run, as one component that lives and dies as a machine does. */
export function realNode(layout: Layout, { name }: NodeState): Component {
  const enter = ['unshare', '--mount', '--propagation', 'private', '--', 'sh', privateScript]
  return {
    name: `node:${name}`,
    argv: [
      ...enter,
      new NodeFolder(layout).file('scratch'),
      process.execPath,
      program,
      layout.stateDir,
      name,
    ],
    isReady: (api, startedAtMs) => isNodeReady(api, name, startedAtMs),
  }
}
