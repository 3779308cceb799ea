import { existsSync, mkdirSync, rmSync, copyFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { lock } from '../../interop/cache.ts'
import { run, type CommandOptions, type Ended } from '../../interop/command.ts'
import { cacheFolder, provideBinaries } from './binaries/build.ts'
import { killCgroup } from './cgroup.ts'
import { checkImages, defaultImages, readImages, writeImages, type Images } from './images.ts'
import { inside, makeNetwork, removeNetwork } from './network.ts'
import { placeNodes, type NodeOptions } from './nodes.ts'
import { Pki } from './pki.ts'
import { requirePrerequisites } from './prerequisites.ts'
import { end, isRunning, signal } from './processes.ts'
import { loadImage, makeArchive, prepareRealKubelet, restoreMachine } from './real-kubelet/machine.ts'
import { layoutOf, readState, writeState, type Layout, type ProcessState, type State } from './state.ts'

export type Component =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'services'
  | `node:${string}`

export interface TestbedOptions {
  /** Default `process`. */
  readonly kubelet?: 'process' | 'real'
  /** Default: `node-a`, and `gpu-a` with 8 GPUs. The real kubelet plays exactly one, by default `node-a` with 8 GPUs. */
  readonly nodes?: readonly NodeOptions[]
  /** A YAML file of images, or the images. Default: test/kubernetes/images/images.yaml. */
  readonly images?: string | Images
  /** Default: `.testbed` in the repository, or PILOTLIGHT_TESTBED. */
  readonly stateDir?: string
  /** Multiplies the waits of CrashLoopBackOff and ImagePullBackOff (10 s, 20 s, 40 s, ... 300 s). Default 0.1; Kubernetes: 1. */
  readonly backoffScale?: number
  /** How long a node may be silent before it is NotReady. Default 50, as in Kubernetes. */
  readonly nodeGraceSeconds?: number
}

/** A running test bed, or one that another process has brought up. */
export interface Testbed {
  /** Of an administrator; good inside the namespace only. */
  readonly kubeconfigPath: string
  /** Enter it with `nsenter --net=FILE COMMAND`. */
  readonly namespaceFile: string
  readonly stateDir: string
  readonly kubelet: 'process' | 'real'
  /** Every request that a service account of the namespace `pilotlight` made: events of audit.k8s.io/v1, one a line. */
  readonly auditLog: string
  /** kubectl, helm, kubeconform, kwok and the rest. */
  readonly binaries: string
  /** Runs a program inside the namespace, with KUBECONFIG set and the bed's binaries first on the PATH. */
  exec(command: string, args: readonly string[], options?: CommandOptions): Promise<Ended>
  /** Makes further images known, or replaces some. */
  addImages(images: Images): Promise<void>
  /** Adds nodes to process kubelets; returns when they are ready. */
  addNodes(nodes: readonly NodeOptions[]): Promise<void>
  /** Ends it at once with everything it runs, as a machine that loses power; returns when nothing of it is left. */
  kill(component: Component): Promise<void>
  /** Stops it where it stands, as a machine that hangs, until `resume`. Containers of a node go on. */
  pause(component: Component): void
  resume(component: Component): void
  /** Ends it orderly if it runs, starts it and returns when it is ready. */
  restart(component: Component): Promise<void>
  /** Ends everything and removes every trace. */
  down(): Promise<void>
}

const insideProgram = fileURLToPath(new URL('inside.ts', import.meta.url))
const DEFAULT_NODES = [{ name: 'node-a' }, { name: 'gpu-a', gpus: 8 }]
const DEFAULT_REAL_NODE = { name: 'node-a', gpus: 8 }
const START_MS = 120_000

/**
 * Brings a test bed up, building its binaries the first time. One that is up already in `stateDir` is used, and gets the
 * nodes that it does not have.
 * @throws MissingPrerequisites before anything is started.
 */
export async function openTestbed(options: TestbedOptions = {}): Promise<Testbed> {
  await requirePrerequisites()
  const layout = layoutOf(options.stateDir)
  // What cannot be used is said before anything is made.
  const images = imagesOf(options)
  const binaries = await provideBinaries()
  await using _lock = await lockBed(layout)
  const state = wantedState(layout, binaries, options)
  await makeNetwork(layout)
  const pki = new Pki(layout.pki)
  await pki.make()
  await Promise.all(state.nodes.map(({ name }) => pki.makeNode(name)))
  if (options.images !== undefined || !existsSync(layout.images)) writeImages(layout.images, images)
  writeState(layout, state)
  if (state.kubelet === 'real') await prepareRealKubelet(layout, state, readImages(layout.images))
  await startComponents(layout)
  copyFileSync(pki.file('admin.kubeconfig'), layout.kubeconfig)
  return new RunningBed(layout, state)
}

/** The test bed that is up in `stateDir` (default: PILOTLIGHT_TESTBED, which `npm run test:kubernetes` sets). */
export function attachTestbed(stateDir?: string): Testbed {
  const layout = layoutOf(stateDir)
  const state = readState(layout)
  if (state === undefined) throw new Error(`no test bed is up in ${layout.stateDir}: npm run testbed -- up`)
  return new RunningBed(layout, state)
}

/** Ends a bed, also one that crashed in the middle of coming up. */
export async function takeDown(stateDir?: string): Promise<void> {
  const layout = layoutOf(stateDir)
  await using _lock = await lockBed(layout)
  const state = readState(layout)
  const recorded = Object.entries(state?.processes ?? {})
  // Those that use the others first: nodes, then controllers, then the API server, then etcd.
  for (const [, each] of recorded.filter(([name]) => name.startsWith('node:'))) signal(each, 'SIGKILL')
  for (const name of ['services', 'kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd']) {
    const each = state?.processes[name]
    if (each !== undefined) signal(each, 'SIGKILL')
  }
  await killCgroup(layout.name)
  await removeNetwork(layout)
  restoreMachine(layout)
  rmSync(layout.stateDir, { recursive: true, force: true, maxRetries: 5 })
}

/** Which components run; undefined when no bed is up. */
export function statusOf(
  stateDir?: string,
): { layout: Layout; state: State; running: Map<string, boolean> } | undefined {
  const layout = layoutOf(stateDir)
  const state = readState(layout)
  if (state === undefined) return undefined
  const running = Object.entries(state.processes).map(([name, each]) => [name, isRunning(each)] as const)
  return { layout, state, running: new Map(running) }
}

function wantedState(layout: Layout, binaries: string, options: TestbedOptions): State {
  const present = readState(layout)
  const kubelet = options.kubelet ?? present?.kubelet ?? 'process'
  if (present !== undefined && present.kubelet !== kubelet) {
    throw new Error(
      `kubelet: got ${kubelet}, but the test bed in ${layout.stateDir} is up with ${present.kubelet}; take it down first`,
    )
  }
  const defaults = kubelet === 'real' ? [DEFAULT_REAL_NODE] : DEFAULT_NODES
  const nodes = placeNodes(present?.nodes ?? [], options.nodes ?? (present === undefined ? defaults : []))
  if (kubelet === 'real' && nodes.length > 1) {
    throw new Error(`nodes: got ${nodes.length}; the real kubelet plays exactly one`)
  }
  return {
    kubelet,
    // A bed that is up keeps its binaries, whatever the sources say by now.
    binaries: present?.binaries ?? binaries,
    backoffScale: options.backoffScale ?? present?.backoffScale ?? 0.1,
    nodeGraceSeconds: options.nodeGraceSeconds ?? present?.nodeGraceSeconds ?? 50,
    nodes,
    processes: present?.processes ?? {},
  }
}

function imagesOf({ images = defaultImages }: TestbedOptions): ReturnType<typeof checkImages> {
  return typeof images === 'string' ? readImages(images) : checkImages(images, 'the options')
}

/** Only one process at a time brings a bed up or down. */
function lockBed(layout: Layout): Promise<AsyncDisposable> {
  mkdirSync(cacheFolder, { recursive: true })
  return lock(`${cacheFolder}/${layout.name}.lock`)
}

async function startComponents(layout: Layout, ...components: readonly Component[]): Promise<void> {
  const [file, ...args] = inside(layout)
  const ended = await run(file!, [...args, process.execPath, insideProgram, layout.stateDir, ...components], {
    timeoutMs: START_MS,
  })
  if (ended.code !== 0) throw new Error(`the test bed did not come up: ${ended.stderr.trim()}`)
}

class RunningBed implements Testbed {
  readonly kubeconfigPath: string
  readonly namespaceFile: string
  readonly stateDir: string
  readonly kubelet: 'process' | 'real'
  readonly auditLog: string
  readonly binaries: string
  readonly #layout: Layout

  constructor(layout: Layout, { binaries, kubelet }: State) {
    this.#layout = layout
    this.kubelet = kubelet
    this.kubeconfigPath = layout.kubeconfig
    this.namespaceFile = layout.namespaceFile
    this.stateDir = layout.stateDir
    this.auditLog = layout.auditLog
    this.binaries = binaries
  }

  exec(command: string, args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
    const [file, ...words] = inside(this.#layout)
    const env = {
      KUBECONFIG: this.kubeconfigPath,
      PATH: `${this.binaries}:${process.env['PATH']}`,
      ...options.env,
    }
    return run(file!, [...words, command, ...args], { ...options, env })
  }

  async addImages(images: Images): Promise<void> {
    const added = checkImages(images, 'addImages')
    writeImages(this.#layout.images, { ...readImages(this.#layout.images), ...added })
    if (readState(this.#layout)?.kubelet !== 'real') return
    const archive = await makeArchive(this.#layout, added)
    if (archive !== undefined) await loadImage(this.#layout, archive)
  }

  async addNodes(nodes: readonly NodeOptions[]): Promise<void> {
    await openTestbed({ stateDir: this.stateDir, nodes })
  }

  async kill(component: Component): Promise<void> {
    this.#recorded(component)
    await killCgroup(this.#layout.name, component)
  }

  pause(component: Component): void {
    signal(this.#recorded(component), 'SIGSTOP')
  }

  resume(component: Component): void {
    signal(this.#recorded(component), 'SIGCONT')
  }

  async restart(component: Component): Promise<void> {
    await end(this.#recorded(component))
    await startComponents(this.#layout, component)
  }

  async down(): Promise<void> {
    await takeDown(this.stateDir)
  }

  #recorded(component: Component): ProcessState {
    const state = readState(this.#layout)
    if (state === undefined) throw new Error(`no test bed is up in ${this.stateDir}`)
    const found = state.processes[component]
    if (found !== undefined) return found
    throw new Error(`component: got ${component}; there are: ${Object.keys(state.processes).join(', ')}`)
  }
}
