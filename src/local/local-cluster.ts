import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../core/clock.ts'
import type { Cluster, ReplicaLoad } from '../core/cluster.ts'
import type { Config } from '../core/config.ts'
import type { Desired } from '../core/desired.ts'
import { Latest } from '../core/latest.ts'
import type { ReplicaName, RevisionName } from '../core/names.ts'
import type { Random } from '../core/random.ts'
import type { Ready } from '../core/replica.ts'
import type { Revision } from '../core/revision.ts'
import type { Log } from '../core/telemetry.ts'
import { GpuLedger } from './gpus.ts'
import { endOrphans, GuardProcess } from './guard-client.ts'
import { LocalReplica, type ReplicaTools } from './local-replica.ts'
import { ModelStore } from './model-store.ts'
import { PortPool } from './ports.ts'
import { ReplicaLogStore } from './replica-logs.ts'

/** Where the configuration comes from: each answer is the whole and replaces the one before it. */
export interface DesiredSource {
  desired(signal: AbortSignal): AsyncIterable<Desired>
}

export interface LocalClusterOptions {
  readonly clock: Clock
  readonly log: Log
  readonly config: Config
  /** The folder that relative paths in the configuration start from. */
  readonly configDir: string
  readonly load: ReplicaLoad
  readonly source: DesiredSource
  /** Ids for CUDA_VISIBLE_DEVICES; empty: GPUs are not handed out. See `detectGpus`. */
  readonly gpus: readonly string[]
  readonly random: Random
}

/** A Cluster whose replicas are processes of this machine. */
export class LocalCluster implements Cluster, AsyncDisposable {
  readonly logs: ReplicaLogStore
  readonly #options: LocalClusterOptions
  readonly #tools: ReplicaTools
  readonly #guard: GuardProcess
  readonly #models: ModelStore
  readonly #ports: PortPool
  readonly #ready = new Latest<Ready>({ replicas: [] })
  readonly #replicas = new Map<
    ReplicaName,
    { readonly replica: LocalReplica; readonly ended: Promise<void> }
  >()
  #isClosed = false

  private constructor(options: LocalClusterOptions, stateDir: string) {
    const { clock, log, config, load } = options
    this.#options = options
    this.#ports = new PortPool(clock)
    this.#guard = new GuardProcess(stateDir, log)
    this.#models = new ModelStore(stateDir, options)
    this.logs = new ReplicaLogStore(join(stateDir, 'logs'), clock)
    this.#tools = {
      clock,
      log,
      load,
      ports: this.#ports,
      gpus: new GpuLedger(options.gpus),
      models: this.#models,
      guard: this.#guard,
      logs: this.logs,
      terminationGracePeriodMs: config.local.terminationGracePeriodMs,
      changed: () => this.#publish(),
    }
  }

  /** Ends what a killed run may have left behind, and makes everything ready that a cold start would wait for. */
  static async open(options: LocalClusterOptions): Promise<LocalCluster> {
    const stateDir = resolve(options.configDir, options.config.local.stateDir)
    await endOrphans(stateDir, options.clock, options.log)
    const cluster = new LocalCluster(options, stateDir)
    cluster.#guard.start()
    await cluster.#ports.fill()
    return cluster
  }

  desired(signal: AbortSignal): AsyncIterable<Desired> {
    return this.#options.source.desired(signal)
  }

  ready(signal: AbortSignal): AsyncIterable<Ready> {
    return this.#ready.values(signal)
  }

  /**
   * Everything happens in this turn, so two calls for one revision never meet: processes are started when it
   * returns, and replicas that have to go are out of `ready`.
   * @throws RangeError when `replicas` is no whole number from 0 on; the signal's reason when it is aborted.
   */
  // oxlint-disable-next-line typescript/require-await -- a throw has to be a rejection
  async scale(revision: Revision, replicas: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!Number.isSafeInteger(replicas) || replicas < 0) {
      throw new RangeError(
        `scale ${revision.name}: ${replicas} replicas is not allowed; it has to be 0 or more`,
      )
    }
    if (this.#isClosed) throw new Error(`scale ${revision.name}: the cluster is closed`)
    const ofRevision = this.#ofRevision(revision.name)
    // A service that was deleted and made again may bring the same name with another content.
    const isSame = ({ revision: own }: LocalReplica): boolean =>
      isDeepStrictEqual(own.template, revision.template)
    for (const replica of ofRevision) if (replica.isStaying && !isSame(replica)) replica.leave()

    const staying = ofRevision.filter((replica) => replica.isStaying)
    for (const replica of this.#idlestFirst(staying).slice(0, Math.max(0, staying.length - replicas)))
      replica.leave()

    let missing = replicas - staying.length
    for (const replica of ofRevision) if (missing > 0 && isSame(replica) && replica.takeBack()) missing -= 1
    for (; missing > 0; missing -= 1) this.#start(revision)
  }

  retire(revision: Revision, signal: AbortSignal): Promise<void> {
    return this.scale(revision, 0, signal)
  }

  /** Ends every replica, without draining, and the guard. Resolves when all are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const replicas = [...this.#replicas.values()]
    for (const { replica } of replicas) replica.stop()
    await Promise.all(replicas.map(({ ended }) => ended))
    await this.#models[Symbol.asyncDispose]()
    await this.#guard[Symbol.asyncDispose]()
    this.#ports[Symbol.dispose]()
  }

  #start(revision: Revision): void {
    const replica = new LocalReplica(this.#newName(revision.name), revision, this.#tools)
    const ended = Promise.withResolvers<void>()
    this.#replicas.set(replica.name, { replica, ended: ended.promise })
    const forget = (): void => {
      this.#replicas.delete(replica.name)
      this.#publish()
      ended.resolve()
    }
    replica.live().then(forget, (error: unknown) => {
      this.#options.log.error({ replica: replica.name, error }, 'a replica ended by a fault of ours')
      forget()
    })
  }

  /** Those that do not serve before those that do, then by load; of two alike the younger goes. */
  #idlestFirst(replicas: readonly LocalReplica[]): readonly LocalReplica[] {
    const { load } = this.#options
    const keyed = replicas.map((replica, age) => {
      const serves = replica.state === 'ready'
      return { replica, age, serves: serves ? 1 : 0, load: serves ? load.inFlight(replica.name) : 0 }
    })
    keyed.sort((a, b) => a.serves - b.serves || a.load - b.load || b.age - a.age)
    return keyed.map(({ replica }) => replica)
  }

  /** Oldest first. */
  #ofRevision(name: RevisionName): readonly LocalReplica[] {
    const all = [...this.#replicas.values()].map(({ replica }) => replica)
    return all.filter(({ revision }) => revision.name === name)
  }

  #newName(revision: RevisionName): ReplicaName {
    for (;;) {
      const suffix = this.#options.random
        .below(36 ** 5)
        .toString(36)
        .padStart(5, '0')
      const name: ReplicaName = `${revision}-${suffix}`
      if (!this.#replicas.has(name)) return name
    }
  }

  #publish(): void {
    const views = [...this.#replicas.values()].map(({ replica }) => replica.view())
    this.#ready.set({ replicas: views.filter((view) => view !== undefined) })
  }
}
