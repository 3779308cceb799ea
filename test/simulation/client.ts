import type { Permit } from '../../activator/index.ts'
import type { ReplicaName, RevisionName } from '../../src/core/names.ts'
import { Refusal, type RefusalCode } from '../../src/core/refusals.ts'
import { around, NAMESPACE, type SimulatedService } from './scenario.ts'
import type { World } from './world.ts'

const RETRIES_MAX = 2

export type Outcome =
  | { readonly outcome: 'answered' }
  /** The replica crashed when its answer had begun, or once too often. */
  | { readonly outcome: 'broken' }
  | { readonly outcome: 'gone' }
  | { readonly outcome: 'refused'; readonly code: RefusalCode; readonly message: string }

/** One request that has not ended yet. */
export interface Attempted {
  readonly service: SimulatedService
  readonly arrivedMs: number
  revision?: RevisionName
  state: 'arriving' | 'waiting' | 'retrying' | 'running'
  /** Since when it is in this state. */
  sinceMs: number
  permit?: Permit
  /** Ends its attempt as a replica does that crashes. */
  crash?: () => void
}

/** What the checks hear of requests, in the turn in which it happens. */
export interface Watcher {
  granted(request: Attempted, permit: Permit): void
  /** It goes on to another replica. */
  retried(): void
  ended(request: Attempted, outcome: Outcome): void
}

/** The clients of all services: a request as the gateway serves it, its replica played by a timer. */
export class Clients {
  readonly underWay = new Set<Attempted>()
  readonly #world: World
  readonly #watcher: Watcher

  constructor(world: World, watcher: Watcher) {
    this.#world = world
    this.#watcher = watcher
  }

  /** One request from its head to its end; never rejects. */
  async request(service: SimulatedService, patience: 'random' | 'endless' = 'random'): Promise<Outcome> {
    const { clock, random } = this.#world
    const gone = new AbortController()
    const leaves =
      patience === 'random' && random.next() < service.impatient
        ? clock.after(around(random, 5_000), () => gone.abort(new Refusal('CLIENT_GONE')))
        : undefined
    const nowMs = clock.now()
    const request: Attempted = { service, arrivedMs: nowMs, state: 'arriving', sinceMs: nowMs }
    this.underWay.add(request)
    const outcome = await this.#send(request, gone.signal).catch((error: unknown) => outcomeOf(error))
    leaves?.cancel()
    this.underWay.delete(request)
    this.#watcher.ended(request, outcome)
    return outcome
  }

  /** Everything that runs on the replica fails. */
  crash(replica: ReplicaName): void {
    for (const request of this.underWay) if (request.permit?.replica === replica) request.crash?.()
  }

  /** The gateway's path of a request: match, acquire, forward; again elsewhere if nothing was answered yet. */
  async #send(request: Attempted, signal: AbortSignal): Promise<Outcome> {
    const { activator, random, table } = this.#world
    const host = `${request.service.name}.${NAMESPACE}.localhost`
    const match = table.match({ host, path: '/v1/models/m:predict', header: () => undefined })
    if (match === undefined) throw new Refusal('NO_ROUTE', { detail: host })
    request.revision = match.revision
    const bytes = random.below(2_000)
    const failed: Permit[] = []
    for (;;) {
      this.#enter(request, failed.length > 0 ? 'retrying' : 'waiting')
      using permit = await activator.acquire(match.revision, { signal, bytes, failed })
      this.#enter(request, 'running', permit)
      this.#watcher.granted(request, permit)
      const result = await this.#forward(request, permit, signal)
      this.#enter(request, 'arriving')
      if (result !== 'reset') return { outcome: result }
      failed.push(permit)
      if (failed.length > RETRIES_MAX) return { outcome: 'broken' }
      this.#watcher.retried()
    }
  }

  /** A replica answers after a while; half of that while later than its first byte. */
  async #forward(
    request: Attempted,
    permit: Permit,
    signal: AbortSignal,
  ): Promise<'answered' | 'broken' | 'reset' | 'gone'> {
    const { clock, random } = this.#world
    if (!this.isAlive(permit)) return 'reset'
    const answerMs = around(random, request.service.answerMs)
    const firstByteMs = clock.now() + answerMs / 2
    const ended = Promise.withResolvers<'answered' | 'broken' | 'reset' | 'gone'>()
    using _ = clock.after(answerMs, () => ended.resolve('answered'))
    request.crash = () => ended.resolve(clock.now() < firstByteMs ? 'reset' : 'broken')
    signal.addEventListener('abort', () => ended.resolve('gone'), { once: true })
    const result = await ended.promise
    delete request.crash
    return result
  }

  /** Whether something listens where the permit leads. */
  isAlive({ replica, address }: Permit): boolean {
    return this.#world.cluster.replicas.some(
      (candidate) =>
        candidate.name === replica &&
        candidate.address?.port === address.port &&
        (candidate.phase === 'ready' || candidate.phase === 'draining'),
    )
  }

  #enter(request: Attempted, state: Attempted['state'], permit?: Permit): void {
    request.state = state
    request.sinceMs = this.#world.clock.now()
    if (permit === undefined) delete request.permit
    else request.permit = permit
  }
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof Refusal)) throw error
  if (error.code === 'CLIENT_GONE') return { outcome: 'gone' }
  return { outcome: 'refused', code: error.code, message: error.message }
}
