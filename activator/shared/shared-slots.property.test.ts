import { describe, expect, it } from 'vitest'
import { Cancel } from '../../src/core/cancellation.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import type { Replica } from '../../src/core/replica.ts'
import type { Permit } from '../permit.ts'
import { FakeThread, IRIS, ready } from './fake-threads.ts'
import { SharedOwner, type SharedIndexes } from './index.ts'

const STEPS = 400
const BOUNDS = { depthMax: 1_000, bytesMax: 1_000, activationTimeoutMs: 0 }

interface Request {
  readonly id: number
  readonly thread: FakeThread
  readonly client: Cancel
  readonly isRetry: boolean
  state: 'waits' | 'runs' | 'over'
  permit?: Permit
}

/** Random requests, ends, departures, tables and deaths in threads that read their mail late; checks after each step. */
class Walk {
  readonly #random: SeededRandom
  readonly #clock = new ManualClock(0)
  readonly #limit: number
  readonly #owner = new SharedOwner({ workers: 3, revisions: 2, replicas: 64, waitersPerThread: 500 })
  #threads: FakeThread[] = []
  #requests: Request[] = []
  #replicas: Replica[] = []
  #isReleased = false
  #ids = 0
  #names = 0
  /** Requests from this one on are served in the order in which they came. */
  #orderedFrom = 0
  #indexes: SharedIndexes

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.#limit = 1 + this.#random.below(3)
    this.#indexes = this.#owner.assign(this.#tables())
    for (let nth = 0; nth < 3; nth++) this.#startThread()
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      this.#step()
      await this.#clock.advance(0)
      this.#checkCounts()
      if (this.#random.below(4) !== 0) continue
      await this.#readAllMail()
      this.#checkLine()
    }
    await this.#end()
  }

  #step(): void {
    const dice = this.#random.below(100)
    if (dice < 45) this.#ask()
    else if (dice < 72) this.#finish(this.#oneOf('runs'))
    else if (dice < 82) this.#oneOf('waits')?.client.abort(new Error('client gone'))
    else if (dice < 87) this.#threads[this.#random.below(3)]!.readMail()
    else if (dice < 94) this.#changeReplicas()
    else if (dice < 97) this.#die()
    else this.#letGoOrKeep()
  }

  #ask(): void {
    const failed = this.#requests.filter(({ permit }) => permit !== undefined)
    const isRetry = failed.length > 0 && this.#random.below(6) === 0
    const avoided = isRetry ? [failed[this.#random.below(failed.length)]!.permit!] : []
    const request: Request = {
      id: this.#ids++,
      thread: this.#threads[this.#random.below(3)]!,
      client: new Cancel(),
      isRetry,
      state: 'waits',
    }
    this.#requests.push(request)
    const outcome = request.thread.activator.acquire(IRIS, { signal: request.client, failed: avoided })
    if (!(outcome instanceof Promise)) {
      const overtaken = this.#requests.find(
        (each) => each.state === 'waits' && !each.isRetry && each !== request,
      )
      // Who waits may hold a slot already that its thread has not heard of: at least as many are granted then.
      hold(overtaken === undefined || this.#granted() > 0, `${request.id} overtook ${overtaken?.id}`)
      this.#run(request, outcome)
      return
    }
    outcome.then(
      (permit) => this.#run(request, permit),
      () => (request.state = 'over'),
    )
  }

  #run(request: Request, permit: Permit): void {
    request.state = 'runs'
    request.permit = permit
  }

  #finish(request: Request | undefined): void {
    if (request?.state !== 'runs') return
    request.state = 'over'
    request.permit?.[Symbol.dispose]()
  }

  #changeReplicas(): void {
    const dice = this.#random.below(3)
    if (dice > 0 && this.#replicas.length < 4) this.#replicas.push(ready(`r${this.#names++}`))
    else this.#replicas.splice(this.#random.below(this.#replicas.length + 1), 1)
    this.#publish()
  }

  #publish(): void {
    // Whoever was granted a slot on a replica that leaves before it hears of it stands in line again, first of its thread.
    if (this.#granted() > 0) this.#orderedFrom = this.#ids
    this.#indexes = this.#owner.assign(this.#tables())
    for (const thread of this.#threads) thread.adopt(this.#indexes, this.#tables())
  }

  #tables(): { revisions: [{ name: typeof IRIS; containerConcurrency: number }]; replicas: Replica[] } {
    return { revisions: [{ name: IRIS, containerConcurrency: this.#limit }], replicas: [...this.#replicas] }
  }

  /** A thread dies with all its requests; another one takes its number. */
  #die(): void {
    const [dead] = this.#threads.splice(this.#random.below(3), 1)
    if (dead === undefined) return
    this.#requests = this.#requests.filter(({ thread }) => thread !== dead)
    this.#owner.closeThread(dead.number)
    this.#startThread()
  }

  #startThread(): void {
    const thread = new FakeThread(this.#owner, { clock: this.#clock, bounds: BOUNDS })
    thread.adopt(this.#indexes, this.#tables())
    this.#threads.push(thread)
  }

  #letGoOrKeep(): void {
    if (this.#random.below(2) === 0) {
      const isIdle = this.#requests.every(({ state }) => state === 'over')
      hold(this.#owner.letGo(IRIS) === isIdle, `letGo while ${isIdle ? 'idle' : 'busy'} said otherwise`)
      this.#isReleased ||= isIdle
    } else {
      this.#owner.keep(IRIS)
      this.#isReleased = false
    }
  }

  async #readAllMail(): Promise<void> {
    for (const thread of [...this.#threads, ...this.#threads]) {
      thread.readMail()
      await this.#clock.advance(0)
    }
  }

  #oneOf(state: Request['state']): Request | undefined {
    const some = this.#requests.filter((request) => request.state === state)
    return some[this.#random.below(Math.max(1, some.length))]
  }

  #running(replica?: string): number {
    const some = this.#requests.filter(({ state }) => state === 'runs')
    return some.filter(({ permit }) => replica === undefined || permit?.replica === replica).length
  }

  #waiting(): Request[] {
    return this.#requests.filter(({ state }) => state === 'waits')
  }

  /** Slots handed over to threads that have not heard of it yet. */
  #granted(): number {
    return this.#allInFlight() - this.#running()
  }

  #allInFlight(): number {
    let sum = 0
    for (let nth = 0; nth < this.#names; nth++) sum += this.#owner.inFlight(`ml/r${nth}`)
    return sum
  }

  #checkCounts(): void {
    for (let nth = 0; nth < this.#names; nth++) {
      const inFlight = this.#owner.inFlight(`ml/r${nth}`)
      hold(inFlight <= this.#limit, `r${nth} has ${inFlight} in flight of ${this.#limit}`)
      hold(this.#running(`ml/r${nth}`) <= inFlight, `r${nth} runs more than the ${inFlight} it has in flight`)
    }
    const underWay = this.#requests.filter(({ state }) => state !== 'over').length
    hold(
      this.#owner.underWay === underWay,
      `${underWay} are under way, the memory says ${this.#owner.underWay}`,
    )
  }

  /** With all mail read: nobody waits while there is room, and nobody who came later runs without having been there first. */
  #checkLine(): void {
    this.#checkCounts()
    hold(this.#allInFlight() === this.#running(), `${this.#granted()} slots are granted and not taken`)
    const plain = this.#waiting().filter(({ isRetry }) => !isRetry)
    if (plain.length === 0) return
    const oldest = Math.min(...plain.map(({ id }) => id))
    const first = Math.min(...plain.map(({ id }) => id).filter((id) => id >= this.#orderedFrom))
    const runs = this.#requests.filter((request) => request.state === 'runs' && !request.isRetry)
    hold(
      runs.every(({ id }) => id < first),
      `${first} waits, and of those after it run ${runs.map(({ id }) => id).join()}`,
    )
    if (this.#isReleased) return
    for (const { name } of this.#replicas)
      hold(this.#owner.inFlight(name) >= this.#limit, `${oldest} waits, though ${name} has room`)
  }

  async #end(): Promise<void> {
    this.#owner.keep(IRIS)
    this.#replicas = [ready(`r${this.#names++}`), ready(`r${this.#names++}`)]
    this.#publish()
    for (let rounds = 0; this.#owner.underWay > 0; rounds++) {
      hold(rounds < 1_000, `${this.#owner.underWay} are left over`)
      await this.#readAllMail()
      for (const request of this.#requests) this.#finish(request)
    }
    hold(this.#waiting().length === 0, `${this.#waiting().length} were forgotten`)
  }
}

function hold(isTrue: boolean, otherwise: string): void {
  if (!isTrue) throw new Error(otherwise)
}

const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1)

describe('shared slots under anything', () => {
  it.each(SEEDS)('cross no limit, lose no waiter and let none overtake, from seed %i', async (seed) => {
    await expect(new Walk(seed).run()).resolves.toBeUndefined()
  })
})
