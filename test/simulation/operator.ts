import type { Checks } from './checks.ts'
import type { Clients } from './client.ts'
import { around, nextVersion, pick, type SimulatedService } from './scenario.ts'
import type { World } from './world.ts'

const MEAN_GAP_MS = 40_000

/** What people and machines do to a running system: versions, canaries, crashes, outages, restarts. */
export class Operator {
  readonly #world: World
  readonly #clients: Clients
  readonly #checks: Checks

  constructor(world: World, clients: Clients, checks: Checks) {
    this.#world = world
    this.#clients = clients
    this.#checks = checks
  }

  /** Does one thing after another until `signal` is aborted, and leaves nothing broken. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#world
    try {
      for (;;) {
        await clock.sleep(around(random, MEAN_GAP_MS), signal)
        const [first, ...rest] = this.#world.scenario.services
        if (first === undefined) return
        await this.#act(pick(random, [first, ...rest]), signal)
      }
    } catch {
      // Aborted.
    } finally {
      this.#mend()
    }
  }

  async #act(service: SimulatedService, signal: AbortSignal): Promise<void> {
    const { random } = this.#world
    const acts: readonly (() => void | Promise<void>)[] = [
      () => this.#crash(),
      () => this.#crash(),
      () => this.#deploy(service, undefined),
      () => this.#deploy(service, pick(random, [0, 10, 50])),
      () => this.#change(service, { canaryPercent: pick(random, [0, 20, 90, undefined]) }),
      () => this.#rollBack(service),
      () => this.#outage(signal),
      () => this.#restart(signal),
      () => this.#restart(signal, () => this.#deploy(service, undefined)),
      () => this.#restart(signal, () => this.#change(service, { stopped: !service.stopped })),
      () => this.#pause(service, signal),
    ]
    await acts[random.below(acts.length)]?.()
  }

  #crash(): void {
    const { cluster, random } = this.#world
    const alive = cluster.replicas.filter(({ phase }) => phase !== 'scheduling' && phase !== 'failed')
    const victim = alive[random.below(alive.length)]
    if (victim === undefined) return
    this.#checks.crashed()
    this.#clients.crash(victim.name)
    cluster.crash(victim.name)
  }

  #deploy(service: SimulatedService, canaryPercent: number | undefined): void {
    service.versions.push(nextVersion(service, this.#world.random))
    this.#change(service, { canaryPercent })
  }

  #rollBack(service: SimulatedService): void {
    const before = service.versions.at(-2)
    if (before === undefined) return
    service.versions.push(before)
    this.#change(service, { canaryPercent: undefined })
  }

  #change(
    service: SimulatedService,
    change: Partial<Pick<SimulatedService, 'canaryPercent' | 'stopped'>>,
  ): void {
    Object.assign(service, change)
    service.generation += 1
    this.#world.configure()
  }

  /** The cluster's API does not answer for a while. */
  async #outage(signal: AbortSignal): Promise<void> {
    const { clock, cluster, random } = this.#world
    cluster.acceptsScale = false
    await clock.sleep(random.below(20_000), signal)
    cluster.acceptsScale = true
  }

  /** A new controller finds what the one before it left, and what was changed between them. */
  async #restart(signal: AbortSignal, meanwhile?: () => void): Promise<void> {
    const { clock, random } = this.#world
    this.#world.stopController()
    meanwhile?.()
    await clock.sleep(random.below(10_000), signal)
    this.#world.startController()
  }

  /** `serving.kserve.io/stop` for a while. */
  async #pause(service: SimulatedService, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#world
    this.#change(service, { stopped: true })
    await clock.sleep(random.below(30_000), signal)
    this.#change(service, { stopped: false })
  }

  /** Everything runs, in a version that starts. */
  #mend(): void {
    const { cluster, controller, scenario } = this.#world
    cluster.acceptsScale = true
    if (controller === undefined) this.#world.startController()
    for (const service of scenario.services) {
      const newest = service.versions.at(-1)
      if (newest?.startUpMs === Number.POSITIVE_INFINITY) {
        service.versions.push({ ...newest, number: service.generation + 1, startUpMs: 2_000 })
      }
      this.#change(service, { canaryPercent: undefined, stopped: false })
    }
  }
}
