import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rfc3339 } from '../../../../src/core/clock.ts'
import { readImages, type Image } from '../images.ts'
import { perform } from './actions.ts'
import { ContainerProcess, type Exit } from './container-process.ts'
import { environmentOf, expand } from './environment.ts'
import type { Action, ContainerSpec, ContainerState, ContainerStatus, Terminated } from './objects.ts'
import { backoffMs, type PodContext } from './pod-context.ts'
import { resolverFiles } from './resolver-files.ts'
import { runProbes } from './probes.ts'
import type { Volumes } from './volumes.ts'

/** After so long without failing, a container's waits begin anew. */
const HEALTHY_MS = 600_000
const MESSAGE_BYTES_MAX = 4_096
/** A failed hook or a node that is short of something is not tried at once again. */
const CONFIG_RETRY_MS = 1_000
const GRACE_SECONDS = 30

export interface ContainerOptions {
  readonly spec: ContainerSpec
  readonly context: PodContext
  readonly volumes: Volumes
  /** What happens when it ends: as the pod says, but sidecars always come back and init containers only after failure. */
  readonly restarts: 'Always' | 'OnFailure' | 'Never'
  readonly restartCount: number
  /** Called whenever `status` is another. */
  changed(): void
}

/** One container of a pod with all its incarnations. */
export class Container {
  readonly spec: ContainerSpec
  readonly #options: ContainerOptions
  #state: ContainerState
  #lastState: ContainerState = {}
  #restartCount: number
  #ready = false
  #started = false
  #starting: Promise<ContainerProcess> | undefined
  #process: ContainerProcess | undefined
  /** preStop and SIGTERM have begun. */
  #isEnding = false

  constructor(options: ContainerOptions) {
    this.#options = options
    this.spec = options.spec
    this.#restartCount = options.restartCount
    const isFirst = (options.context.object().spec.initContainers ?? []).length === 0
    this.#state = { waiting: { reason: isFirst ? 'ContainerCreating' : 'PodInitializing' } }
  }

  get status(): ContainerStatus {
    const { name, image } = this.spec
    const isBorn = this.#state.running ?? this.#state.terminated ?? this.#lastState.terminated
    return {
      name,
      image,
      imageID: isBorn ? `process://${image}` : '',
      ...(isBorn ? { containerID: this.#id } : {}),
      restartCount: this.#restartCount,
      ready: this.#ready,
      started: this.#started,
      state: this.#state,
      lastState: this.#lastState,
    }
  }

  /** Runs it, again and again as its policy says. Resolves when it has ended for good, or was stopped. */
  async run(stopping: AbortSignal): Promise<void> {
    const { clock, backoffScale } = this.#options.context
    let failures = 0
    while (!stopping.aborted) {
      const startedMs = clock.now()
      const exit = await this.#runOnce(stopping)
      if (exit === undefined || stopping.aborted) return
      const { restarts } = this.#options
      if (restarts === 'Never' || (restarts === 'OnFailure' && exit.code === 0)) return
      failures = clock.now() - startedMs > HEALTHY_MS ? 1 : failures + 1
      // The first time it comes back at once.
      const waitMs = failures === 1 ? 0 : backoffMs(failures - 1, backoffScale)
      this.#lastState = this.#state
      if (waitMs > 0) {
        const message = `back-off ${waitMs} ms restarting failed container=${this.spec.name}`
        this.#become({ waiting: { reason: 'CrashLoopBackOff', message } })
      }
      await clock.sleep(waitMs, stopping).catch(() => undefined)
      if (!stopping.aborted) this.#restartCount += 1
    }
  }

  /** preStop, SIGTERM, and SIGKILL when `kill` is aborted. Resolves when nothing of it runs. */
  async stop(kill: AbortSignal): Promise<void> {
    await this.#starting?.catch(() => undefined)
    await this.#end(kill)
  }

  get #id(): string {
    return `process://${this.#options.context.object().metadata.uid}/${this.spec.name}/${this.#restartCount}`
  }

  #become(state: ContainerState): void {
    this.#state = state
    this.#options.changed()
  }

  async #runOnce(stopping: AbortSignal): Promise<Exit | undefined> {
    const { clock } = this.#options.context
    const image = await this.#pull(stopping)
    if (image === undefined) return undefined
    const startedAt = rfc3339(clock.now())
    let container: ContainerProcess
    try {
      const options = await this.#configure(image)
      if (stopping.aborted) return undefined
      this.#starting = ContainerProcess.start(options)
      container = await this.#starting
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#become({ waiting: { reason: 'CreateContainerConfigError', message } })
      await clock.sleep(CONFIG_RETRY_MS, stopping).catch(() => undefined)
      return stopping.aborted ? undefined : this.#runOnce(stopping)
    } finally {
      this.#starting = undefined
    }
    this.#process = container
    const life = new AbortController()
    this.#started = this.spec.startupProbe === undefined
    this.#ready = this.#started && this.spec.readinessProbe === undefined
    this.#become({ running: { startedAt } })
    await this.#postStart(container)
    this.#probe(container, life.signal, stopping)
    const exit = await container.exit
    life.abort()
    this.#process = undefined
    this.#isEnding = false
    this.#ready = this.#started = false
    this.#become({ terminated: this.#terminated(exit, startedAt) })
    return exit
  }

  /** Waits until the image is known. Undefined when the pod was stopped meanwhile. */
  async #pull(stopping: AbortSignal): Promise<Image | undefined> {
    const { clock, imagesFile, backoffScale, pulled } = this.#options.context
    const name = this.spec.image
    for (let failures = 1; !stopping.aborted; failures += 1) {
      const images = readImages(imagesFile)
      const image = images[name] ?? images[name.replace(/^docker\.io\//, '')]
      if (image !== undefined) {
        if (!pulled.has(name)) await clock.sleep(image.pullMs, stopping).catch(() => undefined)
        if (stopping.aborted) return undefined
        pulled.add(name)
        return image
      }
      const known = Object.keys(images).sort().join(', ')
      const message = `image "${name}" is not among those of the test bed (${known})`
      const reason = this.spec.imagePullPolicy === 'Never' ? 'ErrImageNeverPull' : 'ErrImagePull'
      this.#become({ waiting: { reason, message } })
      const waitMs = backoffMs(failures, backoffScale)
      // The error itself is seen for a moment, then that it is being waited.
      await clock.sleep(waitMs / 4, stopping).catch(() => undefined)
      if (reason === 'ErrImagePull' && !stopping.aborted) {
        this.#become({
          waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${name}": ${message}` },
        })
      }
      await clock.sleep((waitMs * 3) / 4, stopping).catch(() => undefined)
    }
    return undefined
  }

  async #configure(image: Image): Promise<Parameters<typeof ContainerProcess.start>[0]> {
    const { context, volumes } = this.#options
    const { spec } = this
    const env = await environmentOf(spec, image, context)
    const command = spec.command?.length ? spec.command : image.command
    const argv = [...command, ...(spec.args ?? [])].map((word) => expand(word, env))
    const pod = context.object().spec
    const user = spec.securityContext?.runAsUser ?? pod.securityContext?.runAsUser ?? 0
    const group = spec.securityContext?.runAsGroup ?? pod.securityContext?.runAsGroup ?? 0
    mkdirSync(dirname(this.#messageFile), { recursive: true })
    writeFileSync(this.#messageFile, '')
    // Whatever user the container runs as.
    chmodSync(this.#messageFile, 0o666)
    return {
      sandbox: context.sandbox,
      scratch: join(context.folder, 'roots', spec.name),
      user: `${user}:${group}`,
      workingDir: spec.workingDir ?? image.workingDir,
      mounts: [
        ...(spec.volumeMounts ?? []).map(({ name, subPath, mountPath, readOnly }) => ({
          source: volumes.pathOf(name, subPath),
          target: mountPath,
          readOnly: readOnly === true,
        })),
        ...resolverFiles(context),
        {
          source: this.#messageFile,
          target: spec.terminationMessagePath ?? '/dev/termination-log',
          readOnly: false,
        },
      ],
      env,
      argv,
      log: this.#logFile,
      clock: context.clock,
    }
  }

  get #messageFile(): string {
    return join(this.#options.context.folder, 'messages', this.spec.name)
  }

  get #logFile(): string {
    return join(this.#options.context.logFolder, `${this.spec.name}.log`)
  }

  async #postStart(container: ContainerProcess): Promise<void> {
    const hook = this.spec.lifecycle?.postStart
    if (hook === undefined) return
    const hasSucceeded = await this.#perform(hook, container, GRACE_SECONDS * 1_000).catch(() => false)
    if (!hasSucceeded) container.signal('SIGKILL')
  }

  #perform(action: Action, container: ContainerProcess, timeoutMs: number): Promise<boolean> {
    const { clock, sandbox } = this.#options.context
    const target = { spec: this.spec, address: sandbox.address, process: container, clock }
    return perform(action, target, timeoutMs)
  }

  #probe(container: ContainerProcess, life: AbortSignal, stopping: AbortSignal): void {
    runProbes({
      spec: this.spec,
      clock: this.#options.context.clock,
      life,
      stopping,
      attempt: (probe, timeoutMs) => this.#perform(probe, container, timeoutMs),
      started: () => {
        this.#started = true
        this.#ready = this.spec.readinessProbe === undefined
        this.#options.changed()
      },
      ready: (isReady) => {
        if (isReady === this.#ready) return
        this.#ready = isReady
        this.#options.changed()
      },
      failed: (probe) => void this.#fail(probe.terminationGracePeriodSeconds),
    })
  }

  /** A probe says that the container has to go; its policy says whether it comes back. */
  async #fail(graceSeconds?: number): Promise<void> {
    const { clock, object } = this.#options.context
    const kill = new AbortController()
    const seconds = graceSeconds ?? object().spec.terminationGracePeriodSeconds ?? GRACE_SECONDS
    using _deadline = clock.after(seconds * 1_000, () => kill.abort())
    await this.#end(kill.signal)
  }

  async #end(kill: AbortSignal): Promise<void> {
    const container = this.#process
    if (container === undefined) return
    const killNow = (): void => container.signal('SIGKILL')
    if (kill.aborted) killNow()
    else kill.addEventListener('abort', killNow, { once: true })
    if (!this.#isEnding) {
      this.#isEnding = true
      void this.#askToEnd(container)
    }
    await container.exit
    kill.removeEventListener('abort', killNow)
  }

  async #askToEnd(container: ContainerProcess): Promise<void> {
    const hook = this.spec.lifecycle?.preStop
    if (hook !== undefined) {
      // For as long as it takes: the end of the grace period ends the container under it.
      const done = this.#perform(hook, container, HEALTHY_MS).catch(() => false)
      await Promise.race([done, container.exit])
    }
    container.signal('SIGTERM')
  }

  #terminated(exit: Exit, startedAt: string): Terminated {
    const message = this.#message(exit)
    return {
      exitCode: exit.code,
      ...(exit.signal === undefined ? {} : { signal: exit.signal }),
      reason: exit.code === 0 ? 'Completed' : 'Error',
      ...(message === '' ? {} : { message }),
      startedAt,
      finishedAt: rfc3339(this.#options.context.clock.now()),
      containerID: this.#id,
    }
  }

  /** What the container wrote for whoever asks why it ended, or the end of its log. */
  #message(exit: Exit): string {
    const written = existsSync(this.#messageFile) ? readFileSync(this.#messageFile) : Buffer.alloc(0)
    if (written.length > 0) return written.subarray(0, MESSAGE_BYTES_MAX).toString()
    const isWanted = this.spec.terminationMessagePolicy === 'FallbackToLogsOnError' && exit.code !== 0
    return isWanted
      ? readFileSync(this.#logFile)
          .subarray(-MESSAGE_BYTES_MAX / 2)
          .toString()
      : ''
  }
}
