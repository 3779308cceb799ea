import { Activator } from '../../activator/index.ts'
import { readAutoscalerConfig } from '../../autoscaler/index.ts'
import { RouteTable } from '../../router/index.ts'
import { MemoryBus } from '../../src/bus/index.ts'
import { Controller } from '../../src/control/controller.ts'
import type { Tables } from '../../src/control/tables.ts'
import { noMetricSources } from '../../src/core/measurements.ts'
import type { Cluster } from '../../src/core/cluster.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { InferenceServiceName, RevisionName } from '../../src/core/names.ts'
import { SeededRandom, type Random } from '../../src/core/random.ts'
import type { Revision } from '../../src/core/revision.ts'
import { silentLog, silentMetrics } from '../../src/core/telemetry.ts'
import type { KeptService, ServiceStore } from '../../src/kserve/index.ts'
import { FakeCluster } from '../support/fake-cluster.ts'
import { desiredOf, scenarioOf, startUpMsOf, type Scenario } from './scenario.ts'

const STARTED_MS = 1_700_000_000_000

/** What survives a restart of the controller: JSON, as a file would. */
class KeptHistory implements ServiceStore {
  readonly #kept = new Map<InferenceServiceName, string>()

  load(): Promise<Readonly<Record<string, unknown>>> {
    return Promise.resolve(
      Object.fromEntries([...this.#kept].map(([name, json]) => [name, JSON.parse(json)])),
    )
  }

  save(service: InferenceServiceName, kept: KeptService | undefined): Promise<void> {
    if (kept === undefined) this.#kept.delete(service)
    else this.#kept.set(service, JSON.stringify(kept.result.history))
    return Promise.resolve()
  }
}

/** The whole system but its sockets, on a clock and a cluster of its own, from one seed. */
export class World {
  readonly clock = new ManualClock(STARTED_MS)
  readonly random: Random
  readonly scenario: Scenario
  readonly bus = new MemoryBus()
  readonly activator: Activator
  readonly cluster: FakeCluster
  /** The newest tables, and all revisions that any table ever held. */
  tables: Tables = { routes: [], revisions: [], replicas: [] }
  readonly revisions = new Map<RevisionName, Revision>()
  table = new RouteTable([])
  /** Called before each change of scale, in its turn, and after each new table. */
  onScale: (revision: Revision, replicas: number) => void = () => {}
  onTables: () => void = () => {}
  controller: Controller | undefined
  readonly #history = new KeptHistory()
  readonly #ended = new AbortController()
  #controllerEnded = new AbortController()
  readonly #runs: Promise<void>[] = []
  /** Why loops ended that were not told to. */
  readonly failures: unknown[] = []

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.scenario = scenarioOf(this.random)
    const { depthMax, bytesMax, activationTimeoutMs, capacity, restartMs } = this.scenario
    this.activator = new Activator({
      name: 'gateway-0',
      clock: this.clock,
      bus: this.bus,
      metrics: silentMetrics,
      bounds: { depthMax, bytesMax, activationTimeoutMs },
    })
    this.cluster = new FakeCluster({
      clock: this.clock,
      load: this.activator,
      startUpMs: ({ template }) => startUpMsOf(template),
      capacity,
      restartMs,
    })
    this.bus.joinGateway(this.activator)
  }

  start(): void {
    this.configure()
    this.#keep(this.activator.run(this.#ended.signal))
    this.startController()
  }

  startController(): void {
    const { clock, bus, scenario } = this
    this.#controllerEnded = new AbortController()
    this.controller = new Controller({
      clock,
      cluster: this.#watched(),
      bus,
      log: silentLog,
      metrics: silentMetrics,
      sources: noMetricSources,
      store: this.#history,
      autoscaler: readAutoscalerConfig({ 'allow-zero-initial-scale': 'true' }),
      progressDeadlineMs: scenario.progressDeadlineMs,
      reconcile: {
        strict: false,
        keep: scenario.keep,
        urls: {
          domainTemplate: '{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}',
          pathTemplate: '/serving/{{ .Namespace }}/{{ .Name }}',
          ingressDomain: 'localhost',
          urlScheme: 'http',
        },
      },
      publish: (tables) => this.#take(tables),
    })
    this.#keep(this.controller.run(this.#controllerEnded.signal))
  }

  stopController(): void {
    this.#controllerEnded.abort()
    this.controller = undefined
  }

  /** Everything as the scenario's services say it now. */
  configure(): void {
    this.cluster.configure({ services: this.scenario.services.map(desiredOf), problems: [] })
  }

  /** Ends every loop. */
  async stop(): Promise<void> {
    this.stopController()
    this.#ended.abort()
    await Promise.all(this.#runs)
  }

  #keep(run: Promise<void>): void {
    this.#runs.push(run.catch((error: unknown) => void this.failures.push(error)))
  }

  #take(tables: Tables): void {
    this.tables = tables
    for (const revision of tables.revisions) this.revisions.set(revision.name, revision)
    this.table = new RouteTable(tables.routes, this.table)
    this.activator.update({
      replicas: tables.replicas,
      revisions: tables.revisions.map(({ name, template }) => ({
        name,
        containerConcurrency: template.limits.containerConcurrency,
      })),
    })
    this.onTables()
  }

  #watched(): Cluster {
    return {
      desired: (signal) => this.cluster.desired(signal),
      ready: (signal) => this.cluster.ready(signal),
      scale: (revision, replicas, signal) => {
        this.onScale(revision, replicas)
        return this.cluster.scale(revision, replicas, signal)
      },
      retire: (revision, signal) => {
        this.onScale(revision, 0)
        return this.cluster.retire(revision, signal)
      },
    }
  }
}
