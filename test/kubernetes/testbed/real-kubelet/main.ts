import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SystemClock } from '../../../../src/core/clock.ts'
import { run } from '../../../interop/command.ts'
import { Api } from '../api.ts'
import { makeContainersCgroup } from '../cgroup.ts'
import { podNetworkOf } from '../network.ts'
import { Pki } from '../pki.ts'
import { leaseSecondsOf } from '../process-kubelet/node.ts'
import { makeBridge } from '../process-kubelet/sandbox.ts'
import { layoutOf, readState } from '../state.ts'
import { NodeFolder, writeConfig } from './config.ts'
import { importImage } from './machine.ts'
import { provideRuntime } from './runtime.ts'

/** Runs a real node: `main.ts STATE_DIR NODE`, inside the bed's network and with mounts of its own (private.sh). */
const clock = new SystemClock()
const CONTAINERD_WITHIN_MS = 20_000
const [stateDir, name] = process.argv.slice(2)
const layout = layoutOf(stateDir)
const state = readState(layout)
const node = state?.nodes.find((each) => each.name === name)
if (state === undefined || node === undefined) throw new Error(`${layout.stateDir} has no node ${name}`)

const pki = new Pki(layout.pki)
const runtime = await provideRuntime()
const folder = new NodeFolder(layout)
const cgroup = makeContainersCgroup(layout.name, `node:${node.name}`)
const leaseSeconds = leaseSecondsOf(state.nodeGraceSeconds)
writeConfig(folder, { runtime, node, ca: pki.file('ca.crt'), cgroup, leaseSeconds })
await makeBridge(node)

const children: ChildProcess[] = []
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    for (const child of children) child.kill('SIGTERM')
  })
}

function start(file: string, args: readonly string[]): Promise<never> {
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...runtime.env } })
  children.push(child)
  return once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${file} ended with ${String(code ?? signal)}`)
  })
}

const containerd = start(runtime.containerd, ['--config', folder.file('containerd.toml')])
containerd.catch(() => undefined)
await Promise.race([containerd, bringUp()])

async function bringUp(): Promise<void> {
  await containerdAnswers()
  for (const file of readdirSync(folder.images)) {
    await importImage(runtime, folder, join(folder.images, file))
  }
  await Promise.race([start(join(state!.binaries, 'kubelet'), kubeletArgs()), giveGpus()])
  await containerd
}

async function containerdAnswers(): Promise<void> {
  const deadlineMs = clock.now() + CONTAINERD_WITHIN_MS
  const ask = (): Promise<{ code: number; stderr: string }> =>
    run(runtime.ctr, ['--address', folder.socket, 'version'], { env: runtime.env })
  for (let answer = await ask(); answer.code !== 0; answer = await ask()) {
    if (clock.now() > deadlineMs) throw new Error(`containerd does not answer: ${answer.stderr}`)
    await clock.sleep(50)
  }
}

function kubeletArgs(): string[] {
  const labels = Object.entries(node!.labels).map(([key, value]) => `${key}=${value}`)
  const taints = node!.taints.map(({ key, value, effect }) => `${key}=${value}:${effect}`)
  return [
    `--config=${folder.file('kubelet.yaml')}`,
    `--kubeconfig=${pki.file(`node-${node!.name}.kubeconfig`)}`,
    `--hostname-override=${node!.name}`,
    `--node-ip=${podNetworkOf(node!).gateway}`,
    `--root-dir=${folder.file('kubelet')}`,
    `--cert-dir=${folder.file('kubelet-pki')}`,
    ...(labels.length === 0 ? [] : [`--node-labels=${labels.join(',')}`]),
    ...(taints.length === 0 ? [] : [`--register-with-taints=${taints.join(',')}`]),
  ]
}

/** No device plugin is there to tell of GPUs, but any number can be written into a node's capacity, and the kubelet keeps it. */
async function giveGpus(): Promise<void> {
  if (node!.gpus === 0) return
  const api = new Api(pki.client('admin'))
  const capacity = { 'nvidia.com/gpu': String(node!.gpus) }
  for (;;) {
    try {
      await api.patch(`/api/v1/nodes/${node!.name}/status`, { status: { capacity, allocatable: capacity } })
      await api.close()
      return
    } catch {
      // It has not registered yet.
      await clock.sleep(100)
    }
  }
}
