import type { RevisionName, ReplicaName } from '../../src/core/names.ts'
import type { ControllerMember, GatewayMember, Report } from '../../src/core/report.ts'
import { RedisBus, type RedisBusOptions } from '../../src/bus/index.ts'
import { SystemClock } from '../../src/core/clock.ts'
import { silentLog, type Log } from '../../src/core/telemetry.ts'

export const IRIS: RevisionName = 'ml/iris-predictor-00001'
export const BERT: RevisionName = 'ml/bert-predictor-00001'

/** Resolves when `check` holds of what was noted, now or later. */
export class Notes<T> {
  readonly all: T[] = []
  readonly #waiting = new Set<() => void>()

  add(note: T): void {
    this.all.push(note)
    for (const look of this.#waiting) look()
  }

  async until(check: (all: readonly T[]) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (): void => {
      if (check(this.all)) resolve()
    }
    this.#waiting.add(look)
    look()
    await promise
    this.#waiting.delete(look)
  }
}

/** A controller that writes down what it hears. */
export class HearingController implements ControllerMember {
  readonly wakes = new Notes<RevisionName>()
  readonly reports = new Notes<Report>()

  report(reports: readonly Report[]): void {
    for (const report of reports) this.reports.add(report)
  }

  wake(revision: RevisionName): void {
    this.wakes.add(revision)
  }
}

/** A gateway that is idle unless told otherwise, and writes down what it is asked. */
export class IdleGateway implements GatewayMember {
  readonly name = 'gateway'
  readonly asked = new Notes<RevisionName>()
  readonly kept = new Notes<RevisionName>()
  isIdle = true

  letGo(revision: RevisionName): boolean {
    this.asked.add(revision)
    return this.isIdle
  }

  keep(revision: RevisionName): void {
    this.kept.add(revision)
  }

  inFlight(_replica: ReplicaName): number {
    return 1
  }
}

/** A log that keeps its warnings and errors as sentences. */
export function listeningLog(): {
  readonly log: Log
  readonly said: Notes<string>
  readonly fields: object[]
} {
  const said = new Notes<string>()
  const fields: object[] = []
  const write = (more: object, sentence: string): void => {
    fields.push(more)
    said.add(sentence)
  }
  return { log: { ...silentLog, info: write, warn: write, error: write }, said, fields }
}

/** Ends all buses that it opened. */
export class Buses implements AsyncDisposable {
  readonly #all: RedisBus[] = []
  readonly #common: Pick<RedisBusOptions, 'url'> & Partial<RedisBusOptions>

  constructor(common: Pick<RedisBusOptions, 'url'> & Partial<RedisBusOptions>) {
    this.#common = common
  }

  /** Does not wait for the connection. */
  async begin(name: string, options: Partial<RedisBusOptions> = {}): Promise<RedisBus> {
    const bus = await RedisBus.open({ clock: new SystemClock(), ...this.#common, name, ...options })
    this.#all.push(bus)
    return bus
  }

  async open(name: string, options: Partial<RedisBusOptions> = {}): Promise<RedisBus> {
    const bus = await this.begin(name, options)
    await connection(bus, true)
    return bus
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((bus) => bus.close()))
  }
}

/** Resolves when the bus has its connection, or has lost it. */
export async function connection(bus: RedisBus, wanted: boolean): Promise<void> {
  for await (const isConnected of bus.connected.values(new AbortController().signal)) {
    if (isConnected === wanted) return
  }
}

export function reportOf(revision: RevisionName, gateway = 'gateway', requests = 1): Report {
  return { gateway, revision, atMs: 1_000.5, concurrency: 0.25, requests, waiting: 0, inFlight: 1 }
}
