import { join } from 'node:path'
import { SystemClock } from '../../../../src/core/clock.ts'
import { Api } from '../api.ts'
import { follow, type Listener } from '../follow.ts'
import { podNetworkOf } from '../network.ts'
import { Pki } from '../pki.ts'
import { layoutOf, readState } from '../state.ts'
import { Addresses } from './addresses.ts'
import { heartbeat, registerNode } from './node.ts'
import type { PodObject } from './objects.ts'
import { Pod, type NodeContext } from './pod.ts'
import { makeBridge } from './sandbox.ts'

/**
 * Plays one node: `main.ts STATE_DIR NODE`, inside the bed's network. A pod is a network namespace with an address of
 * its own, a container a process in it. What a pod may want beyond that (Events, PersistentVolumeClaims, limits, logs
 * over the API) is not played.
 */
const clock = new SystemClock()
const [stateDir, name] = process.argv.slice(2)
const layout = layoutOf(stateDir)
const state = readState(layout)
const node = state?.nodes.find((each) => each.name === name)
if (state === undefined || node === undefined) throw new Error(`${layout.stateDir} has no node ${name}`)

const api = new Api(new Pki(layout.pki).node(node.name))
const context: NodeContext = {
  api,
  clock,
  node,
  imagesFile: layout.images,
  backoffScale: state.backoffScale,
  pulled: new Set(),
  podsFolder: join(layout.stateDir, 'pods'),
  logsFolder: join(layout.logs, 'pods'),
  network: {
    node,
    addresses: new Addresses(podNetworkOf(node).prefix),
    pause: join(state.binaries, 'pause'),
    clock,
  },
}
const pods = new Map<string, Pod>()

process.once('SIGTERM', () => process.exit(0))

await makeBridge(node)
for (;;) {
  try {
    await registerNode(api, node, clock)
    break
  } catch (error) {
    console.log('the node cannot be registered yet:', error instanceof Error ? error.message : error)
    await clock.sleep(200)
  }
}

const beating = heartbeat(api, { node, graceSeconds: state.nodeGraceSeconds, clock })
const listener: Listener<PodObject> = {
  seen: (object) => {
    const { uid, deletionTimestamp } = object.metadata
    const known = pods.get(uid)
    if (known !== undefined) {
      known.update(object)
      return
    }
    const isDone = object.status.phase === 'Succeeded' || object.status.phase === 'Failed'
    if (isDone && deletionTimestamp === undefined) return
    const pod = new Pod(object, context)
    pods.set(uid, pod)
    pod.run().catch((error: unknown) => {
      console.error(`${object.metadata.namespace}/${object.metadata.name} broke the kubelet:`, error)
      process.exit(1)
    })
  },
  gone: (uid) => {
    pods.get(uid)?.forget()
    pods.delete(uid)
  },
}
const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${node.name}`)}`
const following = follow(api, { path, clock, listener })
await Promise.all([beating, following])
