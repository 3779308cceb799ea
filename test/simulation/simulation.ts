import { Checks, type Tally } from './checks.ts'
import { Clients } from './client.ts'
import { Operator } from './operator.ts'
import { sendTraffic } from './traffic.ts'
import { NAMESPACE, type SimulatedService } from './scenario.ts'
import { World } from './world.ts'

/** After its window an idle revision is gone within two ticks and the age of the newest second. */
const SLEEP_SLACK_MS = 8_000
const SETTLE_MAX_MS = 300_000

/** A simulation from a seed: an hour of everything, then silence, in which all has to come to its end. */
export class Simulation {
  readonly #seed: number
  readonly #world: World
  readonly #checks: Checks
  readonly #clients: Clients

  constructor(seed: number) {
    this.#seed = seed
    this.#world = new World(seed)
    this.#checks = new Checks(this.#world)
    this.#clients = new Clients(this.#world, this.#checks)
    this.#checks.clients = this.#clients
  }

  /** @throws Error with the seed and the instant at the first promise that is broken. */
  async run(forMs: number): Promise<Tally> {
    const world = this.#world
    world.start()
    const busy = new AbortController()
    const operator = new Operator(world, this.#clients, this.#checks)
    const people = [
      operator.run(busy.signal),
      ...world.scenario.services.map((service) => sendTraffic(world, this.#clients, service, busy.signal)),
    ]
    await this.#advance(forMs)
    busy.abort()
    await Promise.all(people)
    await this.#settle()
    // Whatever was new is ready or given up, and the sleepers sleep.
    await this.#advance(world.scenario.progressDeadlineMs + 60_000)
    for (let round = 0; round < 2; round += 1) {
      const { services } = world.scenario
      const answers = services.map((service) => this.#clients.request(service, 'endless'))
      await this.#settle()
      for (const [index, { outcome }] of (await Promise.all(answers)).entries()) {
        if (outcome !== 'answered') this.#fail(`a last request to ${services[index]?.name} was ${outcome}`)
      }
      await this.#advance(Math.max(...services.map(sleepMsOf)))
      for (const service of services) this.#checkRest(service)
    }
    await world.stop()
    return this.#checks.tally
  }

  /** Event by event, with a look at everything after each. */
  async #advance(byMs: number): Promise<void> {
    const { clock } = this.#world
    const untilMs = clock.now() + byMs
    for (;;) {
      const dueMs = Math.min(clock.nextDueMs() ?? untilMs, untilMs)
      await clock.advance(Math.max(0, dueMs - clock.now()))
      this.#checks.settled()
      for (const failure of this.#world.failures) this.#checks.violated(`a loop ended: ${String(failure)}`)
      const [violation] = this.#checks.violations
      if (violation !== undefined) this.#fail(violation)
      if (dueMs >= untilMs) return
    }
  }

  /** Until no request is under way. */
  async #settle(): Promise<void> {
    const { clock } = this.#world
    const untilMs = clock.now() + SETTLE_MAX_MS
    while (this.#clients.underWay.size > 0) {
      if (clock.now() >= untilMs) {
        const states = [...this.#clients.underWay].map(({ revision, state }) => `${revision}: ${state}`)
        this.#fail(`${states.length} requests never end: ${states.join(', ')}`)
      }
      await this.#advance(100)
    }
  }

  /** Without requests a service is down to its minimum, and its older revisions to nothing. */
  #checkRest(service: SimulatedService): void {
    const minScale = service.versions.at(-1)?.minScale ?? 0
    const prefix = `${NAMESPACE}/${service.name}-predictor-`
    const replicas = this.#world.cluster.replicas.filter(({ revision }) => revision.startsWith(prefix))
    if (replicas.length !== minScale) {
      const names = replicas
        .map(({ name, phase, revision }) => {
          const newest = this.#world.controller?.decisions(revision)?.at(-1)
          return `\n  ${name} (${phase}), decided last: ${JSON.stringify(newest)}`
        })
        .join('')
      this.#fail(`${service.name} is idle and has ${replicas.length} replicas, not ${minScale}:${names}`)
    }
  }

  #fail(what: string): never {
    throw new Error(
      `seed ${this.#seed}: ${what}\nthis one alone: PILOTLIGHT_SIMULATION_SEED=${this.#seed} npx vitest run test/simulation`,
    )
  }
}

function sleepMsOf({ versions }: SimulatedService): number {
  const { windowMs = 0, retentionMs = 0 } = versions.at(-1) ?? {}
  return windowMs + retentionMs + SLEEP_SLACK_MS
}
