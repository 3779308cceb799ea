import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReplicaName, RevisionName } from '../../src/core/names.ts'
import type { Bus, ControllerMember, GatewayMember, Report, SlotMessage } from '../../src/core/report.ts'

/** Three ends of one bus, each as its own process would hold it. */
export interface BusEnds extends AsyncDisposable {
  readonly gateway: Bus
  readonly otherGateway: Bus
  readonly controller: Bus
}

const IRIS: RevisionName = 'ml-serving/iris-predictor-00001'
const LAST: RevisionName = 'ml-serving/said-last-00001'

function reportOf(gateway: string, requests: number): Report {
  return { gateway, revision: IRIS, atMs: 1_000, concurrency: 1, requests, waiting: 0, inFlight: 1 }
}

/** Writes down what it hears; what one sender said last was heard after all it said before. */
class Listener implements ControllerMember {
  readonly heard: (RevisionName | Report)[] = []
  #last = Promise.withResolvers<void>()

  report(reports: readonly Report[]): void {
    this.heard.push(...reports)
  }

  wake(revision: RevisionName): void {
    if (revision === LAST) this.#last.resolve()
    else this.heard.push(revision)
  }

  /** What was heard of all that `bus` has said by now. */
  async after(bus: Bus): Promise<readonly (RevisionName | Report)[]> {
    this.#last = Promise.withResolvers()
    bus.wake(LAST)
    await this.#last.promise
    return this.heard
  }
}

class Member implements GatewayMember {
  readonly name: string
  readonly asked: RevisionName[] = []
  readonly #kept = Promise.withResolvers<RevisionName>()
  readonly #isIdle: boolean
  /** Resolves at the first `keep`. */
  readonly kept = this.#kept.promise
  readonly running = new Map<ReplicaName, number>()
  readonly heard: SlotMessage[] = []
  #heardEnough: { readonly count: number; readonly resolve: () => void } | undefined
  holds = true

  constructor(name: string, isIdle: boolean) {
    this.name = name
    this.#isIdle = isIdle
  }

  letGo(revision: RevisionName): boolean {
    this.asked.push(revision)
    if (this.#isIdle) this.holds = false
    return this.#isIdle
  }

  keep(revision: RevisionName): void {
    this.holds = true
    this.#kept.resolve(revision)
  }

  inFlight(replica: ReplicaName): number {
    return this.running.get(replica) ?? 0
  }

  hear(message: SlotMessage): void {
    this.heard.push(message)
    if (this.heard.length === this.#heardEnough?.count) this.#heardEnough.resolve()
  }

  /** Resolves when it has heard so many messages. */
  hears(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#heardEnough = { count, resolve }
    if (this.heard.length >= count) resolve()
    return promise
  }
}

function messagesOf(from: string): readonly SlotMessage[] {
  const [who, replica] = [{ from, life: 1_000 }, 'ml-serving/iris-1' as const]
  return [
    { ...who, kind: 'divide', round: 1, members: ['a', 'b'] },
    { ...who, kind: 'divided', toLife: 2_000, round: 1, over: [[replica, 2]], lives: 123 },
    { ...who, kind: 'borrow', revision: IRIS, wanted: 3, waitedMs: 12.5 },
    { ...who, kind: 'lend', toLife: 2_000, revision: IRIS, replica, lease: 7 },
    { ...who, kind: 'give-back', toLife: 2_000, lease: 7 },
  ]
}

/** What every bus keeps to, however far apart its ends are. */
export function busContract(name: string, open: () => Promise<BusEnds>): void {
  describe(`${name} as a bus`, () => {
    const live = new AbortController().signal
    let ends: BusEnds

    beforeEach(async () => {
      ends = await open()
    })
    afterEach(async () => {
      await ends[Symbol.asyncDispose]()
    })

    it('takes reports and wake-ups from every gateway to the controller, in order', async () => {
      const controller = new Listener()
      using _joined = ends.controller.joinController(controller)
      ends.gateway.report([reportOf('a', 1), reportOf('a', 2)])
      ends.gateway.wake(IRIS)
      expect(await controller.after(ends.gateway)).toEqual([reportOf('a', 1), reportOf('a', 2), IRIS])
      ends.otherGateway.report([reportOf('b', 3)])
      expect(await controller.after(ends.otherGateway)).toContainEqual(reportOf('b', 3))
    })

    it('drops what is said while there is no controller', async () => {
      ends.gateway.report([reportOf('a', 1)])
      ends.gateway.wake(IRIS)
      const controller = new Listener()
      using _joined = ends.controller.joinController(controller)
      expect(await controller.after(ends.gateway)).toEqual([])
    })

    it('tells a controller that left nothing more, and the next one everything', async () => {
      const left = new Listener()
      const joined = ends.controller.joinController(left)
      joined[Symbol.dispose]()
      joined[Symbol.dispose]()
      const next = new Listener()
      using _joined = ends.controller.joinController(next)
      ends.gateway.wake(IRIS)
      expect(await next.after(ends.gateway)).toEqual([IRIS])
      expect(left.heard).toEqual([])
    })

    it('lets go where every gateway does', async () => {
      const [a, b] = [new Member('a', true), new Member('b', true)]
      using _a = ends.gateway.joinGateway(a)
      using _b = ends.otherGateway.joinGateway(b)
      expect(await ends.controller.letGo(IRIS, live)).toBe(true)
      expect([a.asked, b.asked]).toEqual([[IRIS], [IRIS]])
      expect([a.holds, b.holds]).toEqual([false, false])
    })

    it('lets go where there is no gateway', async () => {
      expect(await ends.controller.letGo(IRIS, live)).toBe(true)
    })

    it('takes it back from those that let go when one does not', async () => {
      const [idle, busy] = [new Member('idle', true), new Member('busy', false)]
      using _idle = ends.gateway.joinGateway(idle)
      using _busy = ends.otherGateway.joinGateway(busy)
      expect(await ends.controller.letGo(IRIS, live)).toBe(false)
      expect(await idle.kept).toBe(IRIS)
      expect(idle.holds).toBe(true)
    })

    it('asks no gateway that left', async () => {
      const [gone, here] = [new Member('gone', false), new Member('here', true)]
      ends.gateway.joinGateway(gone)[Symbol.dispose]()
      using _here = ends.otherGateway.joinGateway(here)
      expect(await ends.controller.letGo(IRIS, live)).toBe(true)
      expect(gone.asked).toEqual([])
    })

    it('sums up what runs on replicas', async () => {
      const [a, b] = [new Member('a', true), new Member('b', true)]
      const [busy, idle]: ReplicaName[] = ['ml-serving/iris-1', 'ml-serving/iris-2']
      a.running.set(busy!, 2)
      b.running.set(busy!, 3)
      using _a = ends.gateway.joinGateway(a)
      using _b = ends.otherGateway.joinGateway(b)
      expect(await ends.controller.load([busy!, idle!], live)).toEqual(
        new Map([
          [busy, 5],
          [idle, 0],
        ]),
      )
    })

    it('takes what one gateway tells another to that one alone, in order', async ({ skip }) => {
      skip(ends.gateway.tell === undefined, 'gateways cannot hear each other on this bus')
      const [a, b] = [new Member('a', true), new Member('b', true)]
      using _a = ends.gateway.joinGateway(a)
      using _b = ends.otherGateway.joinGateway(b)
      // Both have joined when both have answered.
      await ends.controller.letGo(IRIS, live)
      for (const message of messagesOf('a')) ends.gateway.tell?.('b', message)
      for (const message of messagesOf('b')) ends.otherGateway.tell?.('a', message)
      expect([a.heard, b.heard]).toEqual([[], []])
      await Promise.all([a.hears(5), b.hears(5)])
      expect([a.heard, b.heard]).toEqual([messagesOf('b'), messagesOf('a')])
    })

    it('loses what is told to a gateway that is not there', async ({ skip }) => {
      skip(ends.gateway.tell === undefined, 'gateways cannot hear each other on this bus')
      const [gone, here] = [new Member('gone', true), new Member('here', true)]
      ends.gateway.joinGateway(gone)[Symbol.dispose]()
      using _here = ends.otherGateway.joinGateway(here)
      await ends.controller.letGo(IRIS, live)
      const [message] = messagesOf('a')
      ends.gateway.tell?.('gone', message!)
      ends.gateway.tell?.('never-was', message!)
      ends.gateway.tell?.('here', message!)
      await here.hears(1)
      expect([gone.heard, here.heard]).toEqual([[], [message]])
    })

    it('tells every gateway to keep', async () => {
      const [a, b] = [new Member('a', true), new Member('b', true)]
      using _a = ends.gateway.joinGateway(a)
      using _b = ends.otherGateway.joinGateway(b)
      await ends.controller.letGo(IRIS, live)
      ends.controller.keep(IRIS)
      expect(await Promise.all([a.kept, b.kept])).toEqual([IRIS, IRIS])
      expect([a.holds, b.holds]).toEqual([true, true])
    })

    it('asks nobody once the question was called off', async () => {
      const member = new Member('a', true)
      using _member = ends.gateway.joinGateway(member)
      const reason = new Error('no longer the leader')
      await expect(ends.controller.letGo(IRIS, AbortSignal.abort(reason))).rejects.toBe(reason)
      expect(member.asked).toEqual([])
    })
  })
}
