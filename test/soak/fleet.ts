import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../src/core/clock.ts'
import type { Replica } from '../../src/core/replica.ts'
import type { PublishedTables } from '../../src/gateway/index.ts'
import { revisionOf } from '../support/revisions.ts'

const program = fileURLToPath(new URL('../fixtures/echo-server.ts', import.meta.url))

export const STEADY_HOST = 'steady.soak.localhost'
export const LIMITED_HOST = 'limited.soak.localhost'
export const SLEEPY_HOST = 'sleepy.soak.localhost'

const STEADY = 'soak/steady-predictor-00001'
const CANARY = 'soak/steady-predictor-00002'
const LIMITED = 'soak/limited-predictor-00001'
export const SLEEPY = 'soak/sleepy-predictor-00001'

const WANTED: Readonly<Record<string, number>> = { [STEADY]: 3, [CANARY]: 2, [LIMITED]: 2, [SLEEPY]: 0 }

interface Running {
  readonly replica: Replica
  readonly child: ChildProcess
}

/** A replica was killed, and the tables were told. What went to it in between may be lost. */
export interface Kill {
  readonly atMs: number
  toldMs: number
}

/** Replicas as processes that are started, put to sleep and killed, and the tables that tell of them. */
export class Fleet implements AsyncDisposable {
  readonly #clock: Clock
  readonly #publish: (tables: PublishedTables) => void
  readonly #running = new Map<string, Running>()
  readonly kills: Kill[] = []
  #started = 0
  #isWaking = false

  constructor(clock: Clock, publish: (tables: PublishedTables) => void) {
    this.#clock = clock
    this.#publish = publish
  }

  async start(): Promise<void> {
    const starts = Object.entries(WANTED).flatMap(([revision, count]) =>
      Array.from({ length: count }, () => this.#start(revision)),
    )
    await Promise.all(starts)
    this.#tell()
  }

  /** Kills one without warning, and starts another in its place after a while. */
  async kill(revision: string = STEADY): Promise<void> {
    const victim = [...this.#running.values()].find(({ replica }) => replica.revision === revision)
    if (victim === undefined) return
    const exit = once(victim.child, 'exit')
    const kill: Kill = { atMs: this.#clock.now(), toldMs: Number.POSITIVE_INFINITY }
    this.kills.push(kill)
    victim.child.kill('SIGKILL')
    await exit
    // As in a cluster: the tables hear of it a little later than those who have requests on it.
    await this.#clock.sleep(200)
    this.#running.delete(victim.replica.name)
    this.#tell()
    kill.toldMs = this.#clock.now()
    await this.#clock.sleep(1_000)
    await this.#start(revision)
    this.#tell()
  }

  async killCanary(): Promise<void> {
    await this.kill(CANARY)
  }

  /** Requests wait for it: starts its replica, once. */
  async wake(revision: string): Promise<void> {
    if (revision !== SLEEPY || this.#isWaking || this.#of(SLEEPY).length > 0) return
    this.#isWaking = true
    await this.#start(SLEEPY)
    this.#isWaking = false
    this.#tell()
  }

  /** Takes the sleepy one's replica out of the tables, and then away; `drained` tells when nothing runs on it. */
  async sleep(drained: () => Promise<void>): Promise<void> {
    const leaving = this.#of(SLEEPY)
    for (const { replica } of leaving) this.#running.delete(replica.name)
    this.#tell()
    await drained()
    for (const { child } of leaving) await stop(child, 'SIGTERM')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#running.values()]
    if (all.length === 0) return
    this.#running.clear()
    this.#tell()
    for (const { child } of all) await stop(child, 'SIGKILL')
  }

  #of(revision: string): Running[] {
    return [...this.#running.values()].filter(({ replica }) => replica.revision === revision)
  }

  async #start(revision: string): Promise<void> {
    const child = fork(program, ['--port=0'], { execArgv: [], env: { ...process.env, VERSION: revision } })
    const [port]: unknown[] = await once(child, 'message')
    const name = `soak/replica-${++this.#started}` as const
    const nowMs = this.#clock.now()
    const replica: Replica = {
      name,
      revision: asName(revision),
      phase: 'ready',
      sinceMs: nowMs,
      createdAtMs: nowMs,
      restarts: 0,
      address: { host: '127.0.0.1', port: Number(port) },
    }
    this.#running.set(name, { replica, child })
  }

  #tell(): void {
    const route = (service: string, host: string, split: [string, number][]) => ({
      name: asName(`soak/${service}-predictor`),
      service: asName(`soak/${service}`),
      component: 'predictor' as const,
      hosts: [host],
      pathPrefixes: [`/serving/soak/${service}`],
      match: 'all' as const,
      split: split.map(([revision, percent]) => ({ revision: asName(revision), percent })),
    })
    const limited = revisionOf(LIMITED)
    const template = { ...limited.template, limits: { ...limited.template.limits, containerConcurrency: 2 } }
    this.#publish({
      routes: [
        route('steady', STEADY_HOST, [
          [STEADY, 80],
          [CANARY, 20],
        ]),
        route('limited', LIMITED_HOST, [[LIMITED, 100]]),
        route('sleepy', SLEEPY_HOST, [[SLEEPY, 100]]),
      ],
      revisions: [revisionOf(STEADY), revisionOf(CANARY), { ...limited, template }, revisionOf(SLEEPY)],
      replicas: [...this.#running.values()].map(({ replica }) => replica),
    })
  }
}

function asName(name: string): `${string}/${string}` {
  const [namespace = '', child = ''] = name.split('/')
  return `${namespace}/${child}`
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}
