import { describe, expect, it } from 'vitest'
import { ManualClock } from '../src/core/manual-clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import { Refusal } from '../src/core/refusals.ts'
import type { Replica } from '../src/core/replica.ts'
import { silentMetrics } from '../src/core/telemetry.ts'
import type { Permit } from './permit.ts'
import { RevisionActivator } from './revision-activator.ts'

const DEPTH_MAX = 12
const BYTES_MAX = 400
const TIMEOUT_MS = 20_000
const STEPS = 300

interface Request {
  readonly id: number
  readonly bytes: number
  readonly isRetry: boolean
  readonly client: AbortController
  readonly askedAtMs: number
  state: 'waits' | 'runs' | 'over'
  permit?: Permit
}

/** Random requests, ends, departures, updates and hand-overs on one revision; checks after each step. */
class Walk {
  readonly #random: SeededRandom
  readonly #clock = new ManualClock(1_000)
  readonly #revision: RevisionActivator
  readonly #requests: Request[] = []
  /** Requests that are no retries, in the order in which they got a permit after waiting. */
  readonly #served: number[] = []
  readonly #failed: Permit[] = []
  /** What went wrong where it could not be thrown. */
  readonly #broken: unknown[] = []
  #replicas: Replica[] = []
  /** Replicas that were let go: they take nothing until `keep`. */
  #released = new Set<Replica>()
  #names = 0
  #limit = 2

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.#revision = new RevisionActivator({
      revision: 'ml/iris-00001',
      containerConcurrency: this.#limit,
      bounds: { depthMax: DEPTH_MAX, bytesMax: BYTES_MAX, activationTimeoutMs: TIMEOUT_MS },
      clock: this.#clock,
      metrics: silentMetrics,
      wake() {},
    })
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      this.#step()
      await this.#clock.advance(this.#random.below(4) === 0 ? this.#random.below(3_000) : 0)
      this.#check()
    }
    await this.#end()
  }

  #step(): void {
    const dice = this.#random.below(100)
    if (dice < 45) this.#ask()
    else if (dice < 70) this.#finishOne()
    else if (dice < 80) this.#oneOf('waits')?.client.abort(new Error('client gone'))
    else if (dice < 94) this.#changeReplicas()
    else if (dice < 97) this.#letGo()
    else this.#keep()
  }

  #ask(): void {
    const isRetry = this.#failed.length > 0 && this.#random.below(6) === 0
    const request: Request = {
      id: this.#requests.length,
      bytes: this.#random.below(60),
      isRetry,
      client: new AbortController(),
      askedAtMs: this.#clock.now(),
      state: 'waits',
    }
    const failed = isRetry ? [this.#failed[this.#random.below(this.#failed.length)]!] : []
    const before = { waiting: this.#revision.waiting, bytes: this.#revision.waitingBytes }
    this.#requests.push(request)
    try {
      const outcome = this.#revision.acquire({ signal: request.client.signal, bytes: request.bytes, failed })
      if (!(outcome instanceof Promise)) {
        if (!isRetry && this.#plainWaiters().length > 1) throw new Error(`request ${request.id} overtook`)
        this.#run(request, outcome)
        return
      }
      void this.#follow(request, outcome)
    } catch (error) {
      request.state = 'over'
      if (!(error instanceof Refusal)) throw error
      const isFull =
        error.code === 'QUEUE_FULL' ? before.waiting === DEPTH_MAX : before.bytes + request.bytes > BYTES_MAX
      if (!isFull)
        throw new Error(`request ${request.id} was refused ${error.code} with room`, { cause: error })
    }
  }

  async #follow(request: Request, outcome: Promise<Permit>): Promise<void> {
    try {
      const permit = await outcome
      if (!request.isRetry) this.#served.push(request.id)
      this.#run(request, permit)
    } catch (error) {
      if (request.state === 'runs') this.#broken.push(error)
      else request.state = 'over'
    }
  }

  #run(request: Request, permit: Permit): void {
    request.state = 'runs'
    request.permit = permit
    if (this.#loadOf(permit) > this.#limit) throw new Error(`${permit.replica} runs more than ${this.#limit}`)
  }

  #loadOf({ replica, address }: Pick<Permit, 'replica' | 'address'>): number {
    return this.#requests.filter(
      ({ state, permit }) =>
        state === 'runs' && permit?.replica === replica && permit.address.port === address.port,
    ).length
  }

  #finishOne(): void {
    const request = this.#oneOf('runs')
    if (request?.permit === undefined) return
    request.state = 'over'
    if (this.#random.below(4) === 0) this.#failed.push(request.permit)
    request.permit[Symbol.dispose]()
  }

  #changeReplicas(): void {
    const dice = this.#random.below(10)
    if (dice < 4 && this.#replicas.length < 4) this.#replicas.push(this.#replica(`r${this.#names++}`))
    else if (dice < 7) this.#replicas.splice(this.#random.below(this.#replicas.length + 1), 1)
    else if (dice < 8 && this.#replicas.length > 0) {
      const at = this.#random.below(this.#replicas.length)
      this.#replicas[at] = this.#replica(this.#replicas[at]!.name.slice('ml/'.length))
    } else this.#limit = 1 + this.#random.below(3)
    this.#revision.slots.containerConcurrency = this.#limit
    this.#revision.update(this.#replicas)
  }

  #replica(name: string): Replica {
    return {
      name: `ml/${name}`,
      revision: 'ml/iris-00001',
      phase: 'ready',
      sinceMs: 0,
      createdAtMs: 0,
      address: { host: '127.0.0.1', port: 1_024 + this.#random.below(60_000) },
      restarts: 0,
    }
  }

  #letGo(): void {
    const isIdle = this.#revision.waiting === 0 && this.#revision.slots.inFlight === 0
    hold(this.#revision.letGo() === isIdle, `letGo while ${isIdle ? 'idle' : 'busy'} said otherwise`)
    if (isIdle) this.#released = new Set(this.#replicas)
  }

  #keep(): void {
    this.#revision.keep()
    this.#released.clear()
  }

  #oneOf(state: Request['state']): Request | undefined {
    const some = this.#requests.filter((request) => request.state === state)
    return some.length === 0 ? undefined : some[this.#random.below(some.length)]
  }

  #plainWaiters(): Request[] {
    return this.#requests.filter((request) => request.state === 'waits' && !request.isRetry)
  }

  #check(): void {
    const { slots, waiting, waitingBytes, meter } = this.#revision
    const running = this.#requests.filter(({ state }) => state === 'runs').length
    if (this.#broken.length > 0) throw this.#broken[0]
    hold(waiting <= DEPTH_MAX && waitingBytes <= BYTES_MAX, `${waiting} wait with ${waitingBytes} bytes`)
    hold(slots.inFlight === running, `${running} run, the slots say ${slots.inFlight}`)
    hold(meter.underWay === waiting + running, `the meter says ${meter.underWay}`)
    const inOrder = this.#served.toSorted((a, b) => a - b)
    hold(inOrder.join() === this.#served.join(), `served in the order ${this.#served.join()}`)
    if (this.#plainWaiters().length === 0) return
    // Whoever any replica would serve waits only while there is no room.
    for (const replica of this.#replicas) {
      if (this.#released.has(replica) || replica.address === undefined) continue
      const load = this.#loadOf({ replica: replica.name, address: replica.address })
      hold(load >= this.#limit, `somebody waits, though ${replica.name} has room`)
    }
  }

  /** With room for all, everybody is served; with nobody left, nothing is held. */
  async #end(): Promise<void> {
    this.#limit = Number.POSITIVE_INFINITY
    this.#revision.slots.containerConcurrency = 0
    this.#keep()
    this.#revision.update([this.#replica('last')])
    await this.#clock.advance(0)
    const forgotten = this.#requests.filter(({ state }) => state === 'waits')
    hold(forgotten.length === 0, `${forgotten.length} still wait at the end`)
    for (const { state, permit } of this.#requests) if (state === 'runs') permit?.[Symbol.dispose]()
    const { waiting, waitingBytes, slots, meter } = this.#revision
    const left = [waiting, waitingBytes, slots.inFlight, meter.underWay]
    hold(
      left.every((count) => count === 0),
      `left over at the end: ${left.join()}`,
    )
  }
}

function hold(isTrue: boolean, otherwise: string): void {
  if (!isTrue) throw new Error(otherwise)
}

const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1)

describe('RevisionActivator under anything', () => {
  it.each(SEEDS)('crosses no limit, loses no waiter and lets none overtake, from seed %i', async (seed) => {
    await expect(new Walk(seed).run()).resolves.toBeUndefined()
  })
})
