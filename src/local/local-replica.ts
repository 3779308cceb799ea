import type { Clock } from '../core/clock.ts'
import type { ReplicaLoad } from '../core/cluster.ts'
import type { ReplicaName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import type { Revision } from '../core/revision.ts'
import type { Log } from '../core/telemetry.ts'
import { hasGrpcPort } from '../core/transport.ts'
import { checkPauseMs, untilAllReady } from '../readiness/index.ts'
import { nextRestart, noFailures } from './backoff.ts'
import { gpuCount, type GpuLease, type GpuLedger } from './gpus.ts'
import type { Guard } from './guard-client.ts'
import { launchOf } from './launch.ts'
import type { ModelStore } from './model-store.ts'
import type { PortPool } from './ports.ts'
import { checksOf } from './replica-checks.ts'
import { messageOf, ReplicaFailure } from './replica-failure.ts'
import type { ReplicaLogStore } from './replica-logs.ts'
import { ReplicaProcess } from './replica-process.ts'
import { schedulingView, viewOf, type State } from './replica-state.ts'

/** What a replica takes from its cluster. */
export interface ReplicaTools {
  readonly clock: Clock
  readonly log: Log
  readonly load: ReplicaLoad
  readonly ports: PortPool
  readonly gpus: GpuLedger
  readonly models: ModelStore
  readonly guard: Guard
  readonly logs: ReplicaLogStore
  /** SIGTERM to SIGKILL, for templates that do not say. */
  readonly terminationGracePeriodMs: number
  /** Called in the turn in which `view()` changes. */
  readonly changed: () => void
}

/** A replica that is not ready this long after its start shows what its check answers. */
const SHOW_CHECK_AFTER_MS = 5_000

/** One replica: a process that is started, watched, started again, drained and ended. */
export class LocalReplica {
  readonly name: ReplicaName
  readonly revision: Revision
  readonly #tools: ReplicaTools
  readonly #createdAtMs: number
  /** Aborted when the replica has to go, at the latest after draining. */
  readonly #going = new AbortController()
  #state: State = { state: 'scheduling' }
  #sinceMs: number
  #restarts = 0
  #view: Replica | undefined

  constructor(name: ReplicaName, revision: Revision, tools: ReplicaTools) {
    this.name = name
    this.revision = revision
    this.#tools = tools
    this.#createdAtMs = tools.clock.now()
    this.#sinceMs = this.#createdAtMs
  }

  get state(): State['state'] {
    return this.#state.state
  }

  /** Whether it counts for the number wanted: it is here to stay. */
  get isStaying(): boolean {
    return !this.#going.signal.aborted && this.#state.state !== 'draining'
  }

  /** Lives until it is told to go. Its process is started in this turn if nothing has to be waited for. */
  async live(): Promise<void> {
    const { signal } = this.#going
    try {
      using gpus = this.#tools.gpus.tryTake(this.#gpuCount()) ?? (await this.#waitForGpus(signal))
      let history = noFailures
      while (!signal.aborted) {
        const { failure, readyForMs } = await this.#run(gpus, signal)
        if (signal.aborted || this.#state.state === 'draining') break
        const restart = nextRestart(history, readyForMs)
        history = restart.history
        if (!failure.canRetry) throw failure
        await this.#backOff(failure, restart.delayMs, signal)
        this.#restarts += 1
      }
    } catch (error) {
      if (!signal.aborted) await this.#giveUp(error, signal)
    } finally {
      // It may have ended by itself while it drained: then nobody has to be waited for any more.
      if (this.#state.state === 'draining') this.#state.cut.abort()
      this.#enter({ state: 'gone' })
      this.#tools.logs.end(this.name)
    }
  }

  /** Takes no more requests, finishes those it has, then ends; one that is not ready ends at once. */
  leave(): void {
    if (this.#state.state !== 'ready') {
      this.stop()
      return
    }
    const { running } = this.#state
    const cut = new AbortController()
    this.#enter({ state: 'draining', running, cut })
    void this.#drain(cut)
  }

  /** Back into service, if its process was not told to end yet. */
  takeBack(): boolean {
    if (this.#state.state !== 'draining') return false
    const { running, cut } = this.#state
    this.#enter({ state: 'ready', running })
    cut.abort()
    return true
  }

  /** Ends it whatever it is doing. */
  stop(): void {
    const state = this.#state
    if (this.#going.signal.aborted) return
    this.#going.abort(new Error('the replica is no longer wanted'))
    if (state.state === 'draining') state.cut.abort()
    if ('running' in state) {
      this.#enter({ state: 'stopping', running: state.running })
      state.running.process.terminate(this.#graceMs())
    } else {
      this.#enter({ state: 'gone' })
    }
  }

  /** What everybody sees of it; undefined once it is gone. */
  view(): Replica | undefined {
    const state = this.#state
    if (state.state === 'gone') return undefined
    // The free GPUs in the sentence change without the replica doing anything.
    if (state.state === 'scheduling') {
      const { gpusWanted } = state
      const shortage = gpusWanted === undefined ? undefined : this.#tools.gpus.shortage(gpusWanted)
      return { ...this.#common(), ...schedulingView(shortage) }
    }
    this.#view ??= { ...this.#common(), ...viewOf(state) }
    return this.#view
  }

  /** One start and what came of it. Returns when the process ended, or could not be started. */
  async #run(gpus: GpuLease, signal: AbortSignal): Promise<{ failure: ReplicaFailure; readyForMs: number }> {
    const { clock, gpus: ledger, guard, logs, models, ports } = this.#tools
    const template = this.revision.template.replica
    let readyAtMs: number | undefined
    try {
      const modelDirs = this.#modelDirsNow() ?? (await models.pull(template.storage, signal))
      using lease = ports.tryTake() ?? (await ports.take())
      using grpcLease = hasGrpcPort(template) ? (ports.tryTake() ?? (await ports.take())) : undefined
      signal.throwIfAborted()
      const grpc = grpcLease === undefined ? {} : { grpcPort: grpcLease.port }
      const placement = {
        port: lease.port,
        ...grpc,
        modelDirs,
        ...(ledger.isManaged ? { gpuIds: gpus.ids } : {}),
      }
      const launch = launchOf(template, placement, process.env)
      const checks = checksOf(template, placement, launch)
      const running = {
        process: new ReplicaProcess(launch, { clock, guard }, (line) => this.#wrote(line)),
        port: lease.port,
        ...grpc,
      }
      this.#enter({ state: 'loading', running })
      logs.append(
        this.name,
        `started: ${launch.file} (pid ${running.process.pid ?? 'none'}, port ${running.port})`,
      )

      const ended = new AbortController()
      void running.process.exited.then(() => ended.abort())
      const checking = {
        probe: template.readinessProbe,
        clock,
        pauseMs: checkPauseMs,
        onNo: (no: string) => this.#notYet(no),
      }
      const isReady = await untilAllReady(checks, checking, AbortSignal.any([signal, ended.signal])).then(
        () => true,
        () => false,
      )
      if (isReady && this.#state.state === 'loading' && !ended.signal.aborted) {
        readyAtMs = clock.now()
        this.#enter({ state: 'ready', running })
      }

      const exit = await running.process.exited
      if (!signal.aborted && this.#state.state !== 'draining') {
        // At once, so that nothing is sent there any more; the words follow when its output is read.
        this.#enter({ state: 'failed', failure: running.process.failure(exit) })
        await running.process.lastOutput()
      }
      return {
        failure: running.process.failure(exit),
        readyForMs: readyAtMs === undefined ? 0 : clock.now() - readyAtMs,
      }
    } catch (error) {
      if (signal.aborted || error instanceof ReplicaFailure) {
        return { failure: asFailure(error), readyForMs: 0 }
      }
      this.#tools.log.error({ replica: this.name, error }, 'a replica could not be started')
      return { failure: asFailure(error), readyForMs: 0 }
    }
  }

  async #backOff(failure: ReplicaFailure, delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock, log, logs } = this.#tools
    const retryAtMs = clock.now() + delayMs
    this.#enter({ state: 'failed', failure: delayMs > 0 ? crashLooping(failure) : failure, retryAtMs })
    log.warn(
      { replica: this.name, reason: failure.message, delayMs },
      'a replica failed and is started again',
    )
    logs.append(this.name, `failed: ${failure.message}; starting again in ${delayMs / 1_000} s`)
    if (delayMs > 0) await clock.sleep(delayMs, signal)
  }

  /** Nothing can make it run: it stays failed until it is no longer wanted. */
  async #giveUp(error: unknown, signal: AbortSignal): Promise<void> {
    const failure = asFailure(error)
    this.#enter({ state: 'failed', failure })
    this.#tools.log.warn({ replica: this.name, reason: failure.message }, 'a replica cannot be started')
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  async #drain(cut: AbortController): Promise<void> {
    const { clock, load, log } = this.#tools
    const { timeoutMs } = this.revision.template.limits
    // 0 = no limit: then its requests take as long as they take.
    using _deadline = timeoutMs > 0 ? clock.after(timeoutMs + this.#graceMs(), () => cut.abort()) : undefined
    try {
      await load.drained(this.name, cut.signal)
    } catch (error) {
      if (!cut.signal.aborted)
        log.error({ replica: this.name, error }, 'waiting for a replica to drain failed')
    }
    // Another state, or another draining: it was taken back, or it ended by itself.
    if (this.#state.state === 'draining' && this.#state.cut === cut) this.stop()
  }

  async #waitForGpus(signal: AbortSignal): Promise<GpuLease> {
    const gpusWanted = this.#gpuCount()
    this.#show({ state: 'scheduling', gpusWanted })
    return this.#tools.gpus.take(gpusWanted, signal)
  }

  #gpuCount(): number {
    return gpuCount(this.revision.template.replica)
  }

  #modelDirsNow(): readonly string[] | undefined {
    const { models } = this.#tools
    const dirs = models.localDirs(this.revision.template.replica.storage)
    if (dirs === undefined) this.#enter({ state: 'pulling' })
    return dirs
  }

  #graceMs(): number {
    const seconds = this.revision.template.replica.terminationGracePeriodSeconds
    return seconds === undefined ? this.#tools.terminationGracePeriodMs : seconds * 1_000
  }

  #wrote(line: string): void {
    const { log, logs } = this.#tools
    logs.append(this.name, line)
    log.info({ replica: this.name, line }, 'replica output')
  }

  #notYet(no: string): void {
    const state = this.#state
    if (state.state !== 'loading' || state.no === no) return
    if (this.#tools.clock.now() - this.#sinceMs < SHOW_CHECK_AFTER_MS) return
    this.#show({ ...state, no })
  }

  #enter(state: State): void {
    if (this.#state.state === 'gone') return
    this.#sinceMs = this.#tools.clock.now()
    this.#show(state)
  }

  #show(state: State): void {
    this.#state = state
    this.#view = undefined
    this.#tools.changed()
  }

  #common(): Omit<Replica, 'phase'> {
    return {
      name: this.name,
      revision: this.revision.name,
      sinceMs: this.#sinceMs,
      createdAtMs: this.#createdAtMs,
      restarts: this.#restarts,
    }
  }
}

function asFailure(error: unknown): ReplicaFailure {
  return error instanceof ReplicaFailure
    ? error
    : new ReplicaFailure(undefined, messageOf(error), { cause: error })
}

/** The second crash in a row and every later one is called so; what could not even start keeps its own word. */
function crashLooping(failure: ReplicaFailure): ReplicaFailure {
  if (failure.code !== 'Exited') return failure
  const { exitCode } = failure
  return new ReplicaFailure('CrashLoopBackOff', failure.message, exitCode === undefined ? {} : { exitCode })
}
