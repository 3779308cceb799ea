import type { Permit } from '../../activator/index.ts'
import type { RevisionName } from '../../src/core/names.ts'
import { refusals } from '../../src/core/refusals.ts'
import type { Revision } from '../../src/core/revision.ts'
import type { Attempted, Clients, Outcome, Watcher } from './client.ts'
import { initialScaleOf, maxScaleOf } from './scenario.ts'
import type { World } from './world.ts'

/** A wake-up acts in its own turn; one that a disturbance swallowed is repeated within this time. */
const WAKE_AGAIN_MS = 3_000

/** What happened in a simulation, so that one in which nothing happens does not count as proof. */
export interface Tally {
  answered: number
  broken: number
  gone: number
  refused: number
  coldStarts: number
  retries: number
  sleeps: number
}

/** What has to be true at every moment, whatever happens. Broken promises are collected, with their instant. */
export class Checks implements Watcher {
  readonly violations: string[] = []
  readonly tally: Tally = {
    answered: 0,
    broken: 0,
    gone: 0,
    refused: 0,
    coldStarts: 0,
    retries: 0,
    sleeps: 0,
  }
  readonly #world: World
  readonly #startedMs: number
  readonly #everReady = new Set<RevisionName>()
  /** When the cluster, the controller or the room for replicas was last missing; and when something crashed. */
  #disturbedMs: number
  #crashedMs = -1
  clients: Clients | undefined

  constructor(world: World) {
    this.#world = world
    this.#startedMs = world.clock.now()
    this.#disturbedMs = this.#startedMs
    world.onScale = (revision, replicas) => this.#scaled(revision, replicas)
    world.onTables = () => this.#published()
  }

  violated(what: string): void {
    const seconds = (this.#world.clock.now() - this.#startedMs) / 1000
    this.violations.push(`at ${seconds.toFixed(3)} s: ${what}`)
  }

  crashed(): void {
    this.#crashedMs = this.#world.clock.now()
    this.#disturbedMs = this.#crashedMs
  }

  granted(request: Attempted, permit: Permit): void {
    if (permit.cold) this.tally.coldStarts += 1
    if (permit.revision !== request.revision)
      this.violated(`asked for ${request.revision}, got ${permit.revision}`)
    const limit = this.#world.revisions.get(permit.revision)?.template.limits.containerConcurrency ?? 0
    const running = this.#underWay().filter(
      (other) =>
        other.state === 'running' &&
        other.permit?.replica === permit.replica &&
        other.permit.address.port === permit.address.port,
    ).length
    if (limit > 0 && running > limit) {
      this.violated(`${running} requests on ${permit.replica}; containerConcurrency is ${limit}`)
    }
    // Only in the very instant of a crash, or without a controller, may the gateway believe in a dead replica.
    const mayBeDead = this.#crashedMs === this.#world.clock.now() || this.#world.controller === undefined
    if (!mayBeDead && this.clients?.isAlive(permit) === false)
      this.violated(`permit for ${permit.replica}, which is gone`)
  }

  retried(): void {
    this.tally.retries += 1
  }

  ended(request: Attempted, outcome: Outcome): void {
    this.tally[outcome.outcome] += 1
    if (outcome.outcome !== 'refused') return
    const why = this.#unexplained(request, outcome.code)
    if (why !== undefined) this.violated(`${outcome.code} (${outcome.message}): ${why}`)
  }

  /** Between two events. */
  settled(): void {
    this.#noteDisturbances()
    const requests = Map.groupBy(this.#underWay(), (request) => request.revision)
    const all = this.#underWay().length
    const { activator } = this.#world
    if (activator.underWay !== all)
      this.violated(`${all} requests are under way, the activator counts ${activator.underWay}`)
    for (const { name, template } of this.#world.tables.revisions) {
      this.#checkQueue(name)
      this.#checkReplicas(name, maxScaleOf(template))
      const waiting = requests.get(name)?.filter(({ state }) => state === 'waiting') ?? []
      if (waiting.length > 0) this.#checkWaiting(name, waiting, requests.get(name) ?? [])
    }
  }

  #underWay(): readonly Attempted[] {
    return [...(this.clients?.underWay ?? [])]
  }

  #noteDisturbances(): void {
    const { clock, cluster, controller, scenario } = this.#world
    const isFull = cluster.replicas.length >= scenario.capacity
    if (isFull || !cluster.acceptsScale || controller === undefined) this.#disturbedMs = clock.now()
  }

  #checkQueue(name: RevisionName): void {
    const { activator, scenario } = this.#world
    const { waiting, waitingBytes } = activator.queue(name)
    if (waiting > scenario.depthMax)
      this.violated(`${waiting} wait for ${name}; depthMax is ${scenario.depthMax}`)
    if (waitingBytes > scenario.bytesMax)
      this.violated(`${waitingBytes} bytes wait for ${name}; bytesMax is ${scenario.bytesMax}`)
  }

  #checkReplicas(name: RevisionName, maxScale: number): void {
    const staying = this.#staying(name).length
    if (staying > maxScale) this.violated(`${name} has ${staying} replicas; max-scale is ${maxScale}`)
  }

  /** Nobody waits beside a free slot, and nobody waits for a revision that nobody starts. */
  #checkWaiting(name: RevisionName, waiting: readonly Attempted[], all: readonly Attempted[]): void {
    const { clock, controller, revisions } = this.#world
    const limit = revisions.get(name)?.template.limits.containerConcurrency ?? 0
    const free = this.#staying(name).find(({ phase, name: replica, address }) => {
      const running = all.filter(
        ({ permit }) => permit?.replica === replica && permit.address.port === address?.port,
      ).length
      return phase === 'ready' && (limit === 0 || running < limit)
    })
    if (free !== undefined && controller !== undefined)
      this.violated(`${waiting.length} wait for ${name} beside ${free.name}, which has room`)
    if (this.#staying(name).length === 0 && clock.now() - this.#disturbedMs > WAKE_AGAIN_MS) {
      this.violated(`${waiting.length} wait for ${name} and nothing starts`)
    }
  }

  #staying(name: RevisionName) {
    return this.#world.cluster.replicas.filter(
      (replica) => replica.revision === name && replica.phase !== 'draining',
    )
  }

  #scaled({ name, template }: Revision, replicas: number): void {
    const maxScale = maxScaleOf(template)
    if (!Number.isInteger(replicas) || replicas < 0 || replicas > maxScale) {
      this.violated(`${name} is scaled to ${replicas}; allowed: 0 to ${maxScale}`)
    }
    const isCurrent = this.#world.tables.revisions.some((revision) => revision.name === name)
    if (replicas > 0 || !isCurrent) return
    this.tally.sleeps += 1
    const { waiting, inFlight } = this.#world.activator.queue(name)
    if (waiting + inFlight > 0)
      this.violated(`${name} goes to sleep while ${waiting} wait and ${inFlight} run`)
  }

  #published(): void {
    const { replicas, revisions, routes } = this.#world.tables
    for (const { phase, revision } of replicas) if (phase === 'ready') this.#everReady.add(revision)
    const known = new Map(revisions.map((revision) => [revision.name, revision]))
    for (const { name, split } of routes) {
      for (const target of split) {
        const revision = known.get(target.revision)
        if (revision === undefined) this.violated(`${name} leads to ${target.revision}, which is not there`)
        else if (!this.#everReady.has(revision.name) && initialScaleOf(revision.template) > 0) {
          this.violated(`${name} leads to ${target.revision}, which was never ready`)
        }
      }
    }
  }

  /** Why a request should not have been refused like this; undefined if it was right. */
  #unexplained(
    { service, revision, state, sinceMs }: Attempted,
    code: keyof typeof refusals,
  ): string | undefined {
    const { activator, clock, scenario, tables } = this.#world
    const queue = revision === undefined ? undefined : activator.queue(revision)
    // In the turn of a crash many leave the queue and many are turned away: what it was for each is over.
    if (code.startsWith('QUEUE_') && this.#crashedMs === clock.now()) return undefined
    switch (code) {
      case 'QUEUE_FULL':
        return (queue?.waiting ?? 0) >= scenario.depthMax ? undefined : `only ${queue?.waiting} wait`
      case 'QUEUE_BYTES_FULL':
        return (queue?.waitingBytes ?? 0) + 2_000 > scenario.bytesMax
          ? undefined
          : `only ${queue?.waitingBytes} bytes wait`
      case 'ACTIVATION_TIMEOUT': {
        const waitedMs = clock.now() - sinceMs
        if (waitedMs < scenario.activationTimeoutMs - 1) return `it waited ${waitedMs} ms only`
        const isHindered = this.#disturbedMs >= sinceMs || this.#isBroken(revision)
        const isServed = tables.replicas.some(
          (replica) => replica.revision === revision && replica.phase === 'ready',
        )
        return isHindered || isServed
          ? undefined
          : `${revision} was woken, nothing hindered it, and it never came up`
      }
      case 'UPSTREAM_RESET':
        return state === 'retrying' ? undefined : 'it had never been sent'
      case 'NO_ROUTE': {
        const isThere = tables.revisions.some(({ name }) => name === revision)
        if (revision !== undefined) return isThere ? `${revision} is there` : undefined
        const wasReady = tables.revisions.some(
          (candidate) =>
            candidate.service.endsWith(`/${service.name}`) && this.#everReady.has(candidate.name),
        )
        return wasReady ? `${service.name} has a revision that was ready` : undefined
      }
      default:
        return 'nothing here refuses like that'
    }
  }

  #isBroken(name: RevisionName | undefined): boolean {
    const revision = name === undefined ? undefined : this.#world.revisions.get(name)
    return revision !== undefined && revision.template.replica.args[1] === 'Infinity'
  }
}
