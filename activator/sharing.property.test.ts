import { describe, expect, it } from 'vitest'
import { Cancel } from '../src/core/cancellation.ts'
import { ManualClock } from '../src/core/manual-clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import type { Replica } from '../src/core/replica.ts'
import type { SlotMessage } from '../src/core/report.ts'
import { silentMetrics } from '../src/core/telemetry.ts'
import { Activator } from './activator.ts'
import { IRIS, ready, ThreadedProcess } from './fake-gateways.ts'
import type { Permit } from './permit.ts'
import type { SharingOptions } from './sharing.ts'

const BOUNDS = { depthMax: 10_000, bytesMax: 10_000, activationTimeoutMs: 0 }
const EVENTS = 250
/** The longest that a list or a message is under way. */
const LATE_MS = 3_000

/** As much of a gateway's process as the others and its clients see. */
type Process = Pick<Activator, 'acquire' | 'divide' | 'hear' | 'update'> & { readonly readMail?: () => void }
type Start = (options: ConstructorParameters<typeof ThreadedProcess>[0]) => Process

interface Request {
  readonly gateway: Gateway
  readonly client: Cancel
  readonly askedAtMs: number
  permit?: Permit
}

/** One process of a gateway; `isDead` from its end on, whatever still arrives for it. */
interface Gateway {
  readonly name: string
  readonly process: Process
  isDead: boolean
  /** Of the lists of members, which it has heard. */
  heard: number
}

/** Gateways that come, go and crash, on a bus that loses, delays, repeats and reorders; checks after each event. */
class World {
  readonly #random: SeededRandom
  readonly #clock = new ManualClock(1_000)
  readonly #limit: number
  readonly #replicas: Replica[]
  readonly #gateways: Gateway[] = []
  readonly #requests = new Set<Request>()
  /** What the API server shows, and which list that is. */
  #members: string[] = []
  #lists = 0
  #names = 0
  #lossPercent: number
  #lateMs = LATE_MS
  readonly #start: Start
  served = 0

  constructor(seed: number, start: Start) {
    this.#start = start
    this.#random = new SeededRandom(seed)
    this.#limit = 1 + this.#random.below(4)
    this.#lossPercent = this.#random.below(3) * 20
    this.#replicas = Array.from({ length: 1 + this.#random.below(3) }, (_, nth) => ready(`r${nth}`))
    for (let left = 1 + this.#random.below(3); left > 0; left--) this.#come()
  }

  async run(): Promise<void> {
    for (let event = 0; event < EVENTS; event++) {
      this.#happen()
      await this.#clock.advance(
        this.#random.below(5) === 0 ? this.#random.below(4_000) : this.#random.below(60),
      )
      this.#check()
    }
    await this.#end()
  }

  #happen(): void {
    const dice = this.#random.below(100)
    if (dice < 75) this.#ask()
    else if (dice < 80) this.#oneWaiting()?.client.abort(new Error('client gone'))
    else if (dice < 85 && this.#members.length < 5) this.#come()
    else if (dice < 90 && this.#living().length > 1) this.#go()
    else if (dice < 93) this.#crash()
    else this.#flap()
  }

  #ask(): void {
    const living = this.#living()
    // Most of the traffic of a moment goes to one gateway.
    const at =
      this.#random.below(3) === 0 ? this.#random.below(living.length) : Math.floor(this.#clock.now() / 20_000)
    const gateway = living[at % living.length]
    if (gateway === undefined) return
    const request: Request = { gateway, client: new Cancel(), askedAtMs: this.#clock.now() }
    this.#requests.add(request)
    const outcome = gateway.process.acquire(IRIS, { signal: request.client })
    if (outcome instanceof Promise)
      outcome.then(
        (permit) => this.#run(request, permit),
        () => this.#requests.delete(request),
      )
    else this.#run(request, outcome)
  }

  #run(request: Request, permit: Permit): void {
    // Its process may have ended in this very turn.
    if (request.gateway.isDead) return
    request.permit = permit
    this.served += 1
    this.#check()
    const runsMs = this.#random.below(20) === 0 ? 30_000 : 1 + this.#random.below(400)
    this.#clock.after(runsMs, () => {
      if (!this.#requests.delete(request)) return
      permit[Symbol.dispose]()
    })
  }

  #come(name = `gw-${this.#names++}`): void {
    const sharing: SharingOptions = {
      life: this.#clock.now(),
      settleMs: Number.POSITIVE_INFINITY,
      // A process that ended says no more.
      tell: (to, message) => {
        if (!gateway.isDead) this.#carry(to, message)
      },
    }
    const options = { name, clock: this.#clock, bounds: BOUNDS, sharing }
    const gateway: Gateway = { name, process: this.#start(options), isDead: false, heard: 0 }
    this.#pump(gateway)
    this.#gateways.push(gateway)
    this.#publish(gateway)
    if (!this.#members.includes(name)) this.#members = [...this.#members, name]
    this.#announce()
  }

  /** Its process ends, and some time later the API server shows it no more. */
  #go(): void {
    const gateway = this.#oneLiving()
    if (gateway === undefined) return
    this.#die(gateway)
    this.#clock.after(this.#random.below(2_000), () => {
      this.#members = this.#members.filter((name) => name !== gateway.name)
      this.#announce()
    })
  }

  /** Its process ends, and another one of the same name begins. */
  #crash(): void {
    const gateway = this.#oneLiving()
    if (gateway === undefined) return
    this.#die(gateway)
    this.#clock.after(1 + this.#random.below(500), () => this.#come(gateway.name))
  }

  /** Threads hear of what other threads wrote a little later. */
  #pump(gateway: Gateway): void {
    const { process } = gateway
    if (process.readMail === undefined) return
    this.#clock.after(1 + this.#random.below(40), () => {
      if (gateway.isDead) return
      process.readMail?.()
      this.#pump(gateway)
    })
  }

  #die(gateway: Gateway): void {
    gateway.isDead = true
    for (const request of this.#requests) if (request.gateway === gateway) this.#requests.delete(request)
  }

  /** Every gateway hears of it in its own time, and of nothing older after that. */
  #announce(): void {
    const [list, members] = [++this.#lists, this.#members]
    for (const gateway of this.#living()) {
      this.#clock.after(this.#random.below(this.#lateMs), () => {
        if (gateway.isDead || gateway.heard > list) return
        gateway.heard = list
        gateway.process.divide(members)
      })
    }
  }

  /** A replica leaves the tables of a gateway for a moment. */
  #flap(): void {
    const gateway = this.#oneLiving()
    if (gateway === undefined) return
    this.#publish(gateway, this.#replicas.slice(1))
    this.#clock.after(this.#random.below(1_000), () => this.#publish(gateway))
  }

  #publish(gateway: Gateway, replicas = this.#replicas): void {
    if (gateway.isDead) return
    gateway.process.update({ revisions: [{ name: IRIS, containerConcurrency: this.#limit }], replicas })
  }

  #carry(to: string, message: SlotMessage): void {
    const times = this.#random.below(10) === 0 ? 2 : 1
    for (let nth = 0; nth < times; nth++) {
      if (this.#random.below(100) < this.#lossPercent) continue
      const lateMs = this.#random.below(4) === 0 ? this.#random.below(this.#lateMs) : this.#random.below(10)
      this.#clock.after(lateMs, () => {
        for (const gateway of this.#living()) if (gateway.name === to) gateway.process.hear(message)
      })
    }
  }

  #living(): Gateway[] {
    return this.#gateways.filter(({ isDead }) => !isDead)
  }

  #oneLiving(): Gateway | undefined {
    const living = this.#living()
    return living[this.#random.below(Math.max(1, living.length))]
  }

  #oneWaiting(): Request | undefined {
    const waiting = [...this.#requests].filter(({ permit }) => permit === undefined)
    return waiting[this.#random.below(Math.max(1, waiting.length))]
  }

  #check(): void {
    for (const { name } of this.#replicas) {
      const running = [...this.#requests].filter(({ permit }) => permit?.replica === name)
      if (running.length <= this.#limit) continue
      const where = running.map(({ gateway }) => gateway.name).join(', ')
      throw new Error(`${name} runs ${running.length} of ${this.#limit} at ${this.#clock.now()}: ${where}`)
    }
  }

  /** From here on messages get through: whoever waits is served, and everyone has its share again. */
  async #end(): Promise<void> {
    this.#lossPercent = 0
    this.#lateMs = 50
    if (this.#living().length === 0) this.#come()
    // Long enough for all who wait to run one after the other.
    await this.#clock.advance(60_000 + this.#requests.size * 5_000)
    this.#check()
    const waiting = [...this.#requests].filter(({ permit }) => permit === undefined)
    const starved = waiting.map(({ gateway, askedAtMs }) => `${gateway.name} since ${askedAtMs}`)
    if (starved.length > 0) throw new Error(`still waiting: ${starved.join(', ')}`)
    await this.#clock.advance(60_000)
    // Nothing runs and nothing is lent: all slots are there at the same time.
    const permits = this.#living().flatMap(({ process }) => takeAll(process))
    const slots = this.#limit * this.#replicas.length
    if (permits.length !== slots) throw new Error(`${permits.length} of ${slots} slots are left`)
  }
}

function takeAll(process: Process): Permit[] {
  const permits: Permit[] = []
  for (;;) {
    const client = new Cancel()
    const outcome = process.acquire(IRIS, { signal: client })
    if (outcome instanceof Promise) {
      outcome.catch(() => undefined)
      client.abort(new Error('was full'))
      return permits
    }
    permits.push(outcome)
  }
}

const KINDS: readonly { readonly name: string; readonly start: Start; readonly seeds: number }[] = [
  {
    name: 'gateways of one thread',
    start: (options) =>
      new Activator({ ...options, bus: { report() {}, wake() {} }, metrics: silentMetrics }),
    seeds: 60,
  },
  { name: 'gateways of two threads', start: (options) => new ThreadedProcess(options), seeds: 20 },
]

describe.each(KINDS)('slots shared by $name', ({ start, seeds }) => {
  const SEEDS = Array.from({ length: seeds }, (_, nth) => nth + 1)

  it.each(SEEDS)(
    'never run more than the limit, and reach everyone who waits, from seed %i',
    async (seed) => {
      const world = new World(seed, start)
      await world.run()
      expect(world.served).toBeGreaterThan(0)
    },
  )
})
