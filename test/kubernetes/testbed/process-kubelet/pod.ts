import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rfc3339, type Timer } from '../../../../src/core/clock.ts'
import { hasStatus } from '../api.ts'
import { podNetworkOf } from '../network.ts'
import { Container } from './container.ts'
import type { Condition, ContainerSpec, ContainerStatus, PodObject } from './objects.ts'
import type { PodContext } from './pod-context.ts'
import { Sandbox, type PodNetwork } from './sandbox.ts'
import { statusOf } from './status.ts'
import { Volumes } from './volumes.ts'

export type NodeContext = Omit<PodContext, 'folder' | 'logFolder' | 'sandbox' | 'object'> & {
  readonly network: PodNetwork
  readonly podsFolder: string
  readonly logsFolder: string
}

const RETRY_MS = 500
const GRACE_SECONDS = 30
/** The kubelet takes up to a minute and a half. */
const REFRESH_MS = 10_000

/** One pod of this node, from the moment that it is bound here until the API server may forget it. */
export class Pod {
  readonly #node: NodeContext
  readonly #stopping = new AbortController()
  readonly #sidecarStop = new AbortController()
  readonly #kill = new AbortController()
  readonly #startTime: string
  readonly #restartCounts: ReadonlyMap<string, number>
  #object: PodObject
  #sandbox: Sandbox | undefined
  #initContainers: Container[] = []
  #containers: Container[] = []
  #isInitialized = false
  #isOver = false
  /** It was taken out of the API by force, and there is nobody to report to. */
  #isForgotten = false
  #conditions: readonly Condition[]
  #killTimer: { readonly timer: Timer; readonly atMs: number } | undefined
  #isDirty = false
  #reporting: Promise<void> | undefined

  constructor(object: PodObject, node: NodeContext) {
    this.#object = object
    this.#node = node
    this.#startTime = object.status.startTime ?? rfc3339(node.clock.now())
    this.#conditions = object.status.conditions ?? []
    // A node that came back starts its pods anew, and what ran before counts as ended.
    const countOf = (statuses: readonly ContainerStatus[] = [], name: string): number => {
      const before = statuses.find((status) => status.name === name)
      return before === undefined ? 0 : before.restartCount + (before.state.waiting ? 0 : 1)
    }
    const { initContainers = [], containers } = object.spec
    this.#restartCounts = new Map([
      ...initContainers.map(
        (each) => [each.name, countOf(object.status.initContainerStatuses, each.name)] as const,
      ),
      ...containers.map((each) => [each.name, countOf(object.status.containerStatuses, each.name)] as const),
    ])
  }

  /** Resolves when nothing of the pod is left here. */
  async run(): Promise<void> {
    const { clock } = this.#node
    const { metadata } = this.#object
    this.update(this.#object)
    const folder = join(this.#node.podsFolder, metadata.uid)
    mkdirSync(folder, { recursive: true })
    try {
      this.#sandbox = await this.#retried(() => this.#makeSandbox())
      if (this.#sandbox !== undefined) await this.#live(this.#sandbox, folder)
    } finally {
      await this.#sandbox?.remove()
      this.#killTimer?.timer.cancel()
    }
    this.#isOver = this.#stopping.signal.aborted
    this.#report()
    await this.#reporting
    if (!this.#stopping.signal.aborted) await stopped(this.#stopping.signal)
    this.#isOver = true
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    await this.#retried(() => this.#release(), new AbortController().signal)
    console.log(`${rfc3339(clock.now())} ${metadata.namespace}/${metadata.name} is gone`)
  }

  /** What the API server says now. A pod that is being deleted ends within its grace period, which may get shorter. */
  update(object: PodObject): void {
    this.#object = object
    const { deletionTimestamp, deletionGracePeriodSeconds = GRACE_SECONDS } = object.metadata
    if (deletionTimestamp !== undefined) this.#stop(deletionGracePeriodSeconds)
    else if (this.#containers.length > 0 && (object.spec.readinessGates !== undefined || this.#isOverruled)) {
      this.#report()
    }
  }

  /** The node controller said Ready=False while this node was silent: the kubelet knows better. */
  get #isOverruled(): boolean {
    const readyOf = (conditions: readonly Condition[] | undefined): string | undefined =>
      conditions?.find(({ type }) => type === 'Ready')?.status
    return readyOf(this.#object.status.conditions) !== readyOf(this.#conditions)
  }

  /** The API server has forgotten it. */
  forget(): void {
    this.#isForgotten = true
    this.#stop(0)
  }

  async #live(sandbox: Sandbox, folder: string): Promise<void> {
    const context: PodContext = {
      ...this.#node,
      folder,
      logFolder: join(
        this.#node.logsFolder,
        `${this.#object.metadata.namespace}_${this.#object.metadata.name}_${this.#object.metadata.uid}`,
      ),
      sandbox,
      object: () => this.#object,
    }
    const volumes = new Volumes(context)
    const { initContainers = [], containers, restartPolicy = 'Always' } = this.#object.spec
    const make = (spec: ContainerSpec, restarts: 'Always' | 'OnFailure' | 'Never'): Container =>
      new Container({
        spec,
        context,
        volumes,
        restarts,
        restartCount: this.#restartCounts.get(spec.name) ?? 0,
        changed: () => this.#report(),
      })
    const initPolicy = restartPolicy === 'Never' ? 'Never' : 'OnFailure'
    this.#initContainers = initContainers.map((spec) =>
      make(spec, spec.restartPolicy === 'Always' ? 'Always' : initPolicy),
    )
    this.#containers = containers.map((spec) => make(spec, restartPolicy))
    this.#report()
    await this.#retried(() => volumes.refresh())
    const refreshing = this.#keepFresh(volumes)
    const sidecars: { readonly container: Container; readonly end: Promise<void> }[] = []
    this.#isInitialized = await this.#initialize(sidecars)
    if (this.#isInitialized) {
      this.#report()
      await Promise.all(this.#containers.map((container) => this.#runToEnd(container)))
    }
    // Sidecars end last and one after the other, so that whoever uses them can do so to its own end.
    this.#sidecarStop.abort()
    using _deadline = this.#stopping.signal.aborted ? undefined : this.#killAfterGrace()
    for (const { container, end } of sidecars.toReversed()) {
      await container.stop(this.#kill.signal)
      await end
    }
    await refreshing
  }

  /** Runs the init containers in order; sidecars go on. False when one failed for good or the pod was stopped. */
  async #initialize(
    sidecars: { readonly container: Container; readonly end: Promise<void> }[],
  ): Promise<boolean> {
    for (const container of this.#initContainers) {
      if (this.#stopping.signal.aborted) return false
      if (container.spec.restartPolicy === 'Always') {
        sidecars.push({ container, end: container.run(this.#sidecarStop.signal) })
        await this.#untilStarted(container)
      } else {
        await this.#runToEnd(container)
        if (container.status.state.terminated?.exitCode !== 0) return false
      }
    }
    return !this.#stopping.signal.aborted
  }

  async #runToEnd(container: Container): Promise<void> {
    const end = container.run(this.#stopping.signal)
    await Promise.race([end, stopped(this.#stopping.signal)])
    await container.stop(this.#kill.signal)
    await end
  }

  #killAfterGrace(): Timer {
    const seconds = this.#object.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS
    return this.#node.clock.after(seconds * 1_000, () => this.#kill.abort())
  }

  async #untilStarted(container: Container): Promise<void> {
    while (!container.status.started && !this.#stopping.signal.aborted) {
      await this.#node.clock.sleep(20, this.#stopping.signal).catch(() => undefined)
    }
  }

  async #keepFresh(volumes: Volumes): Promise<void> {
    const { clock } = this.#node
    const isWanted = AbortSignal.any([this.#stopping.signal, this.#sidecarStop.signal])
    while (!isWanted.aborted) {
      await clock.sleep(REFRESH_MS, isWanted).catch(() => undefined)
      if (isWanted.aborted) return
      await volumes.refresh().catch((error: unknown) => this.#log('volumes', error))
    }
  }

  #makeSandbox(): Promise<Sandbox> {
    const { metadata, spec } = this.#object
    const hostname = spec.hostname ?? metadata.name
    return Sandbox.make(this.#node.network, { hostname, hostNetwork: spec.hostNetwork === true })
  }

  #stop(graceSeconds: number): void {
    const { clock } = this.#node
    const atMs = clock.now() + graceSeconds * 1_000
    if (graceSeconds === 0) this.#kill.abort()
    else if (this.#killTimer === undefined || atMs < this.#killTimer.atMs) {
      this.#killTimer?.timer.cancel()
      this.#killTimer = { timer: clock.after(graceSeconds * 1_000, () => this.#kill.abort()), atMs }
    }
    this.#stopping.abort()
  }

  /** Tries until it works; undefined when the pod was stopped first. */
  async #retried<T>(attempt: () => Promise<T>, signal = this.#stopping.signal): Promise<T | undefined> {
    while (!signal.aborted) {
      try {
        return await attempt()
      } catch (error) {
        this.#log('not yet', error)
        await this.#node.clock.sleep(RETRY_MS, signal).catch(() => undefined)
      }
    }
    return undefined
  }

  /** Tells the API server that nothing of the pod is left, which is what lets the object go. */
  async #release(): Promise<void> {
    if (this.#isForgotten) return
    const { name, namespace, uid } = this.#object.metadata
    try {
      await this.#node.api.delete(`/api/v1/namespaces/${namespace}/pods/${name}`, {
        gracePeriodSeconds: 0,
        preconditions: { uid },
      })
    } catch (error) {
      // Gone, or another pod by the same name.
      if (!hasStatus(error, 404, 409)) throw error
    }
  }

  /** One writer at a time; what changes meanwhile is written by the next round. */
  #report(): void {
    // Nothing of it was ever started here, so what the status says stands.
    if (this.#containers.length === 0) return
    this.#isDirty = true
    this.#reporting ??= this.#writeStatus().finally(() => (this.#reporting = undefined))
  }

  async #writeStatus(): Promise<void> {
    while (this.#isDirty && !this.#isForgotten) {
      this.#isDirty = false
      const { name, namespace, uid } = this.#object.metadata
      const status = statusOf({
        object: this.#object,
        hostAddress: podNetworkOf(this.#node.node).gateway,
        address: this.#sandbox?.address,
        startTime: this.#startTime,
        initContainers: this.#initContainers.map((container) => container.status),
        containers: this.#containers.map((container) => container.status),
        isInitialized: this.#isInitialized,
        isOver: this.#isOver,
        now: rfc3339(this.#node.clock.now()),
        conditions: this.#conditions,
      })
      this.#conditions = status.conditions
      try {
        const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`
        // With the uid, a newer pod of the same name is left alone.
        await this.#node.api.patch(path, { metadata: { uid }, status }, 'strategic-merge')
      } catch (error) {
        if (hasStatus(error, 404, 409)) return
        this.#log('status', error)
        this.#isDirty = true
        await this.#node.clock.sleep(RETRY_MS)
      }
    }
  }

  #log(what: string, error: unknown): void {
    const { namespace, name } = this.#object.metadata
    const message = error instanceof Error ? error.message : String(error)
    console.log(`${rfc3339(this.#node.clock.now())} ${namespace}/${name}: ${what}: ${message}`)
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
