import { SystemClock } from '../../src/core/clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import { Fleet, SLEEPY } from './fleet.ts'
import { GatewayHandle } from './gateway-handle.ts'
import type { Sample } from './messages.ts'
import { Outcomes } from './outcomes.ts'
import { MIX, Traffic } from './traffic.ts'
import { judge, socketsOf, type Verdict } from './verdict.ts'

const SAMPLE_PERIOD_MS = 5_000
const KILL_PERIOD_MS = 15_000
const COLD_PERIOD_MS = 12_000
const COLD_BURST = 20
/** How long what is under way at the end may take: the longest request of the mix takes some seconds. */
const END_PATIENCE_MS = 60_000

export interface SoakOptions {
  readonly minutes: number
  /** Hears a line every few seconds. */
  readonly tell: (line: string) => void
}

/**
 * Mixed traffic for a while, through a gateway in a process of its own, to replicas that die and sleep. The rate is
 * bounded and well below what two cores can do: what is asked is whether anything adds up over time.
 */
export async function soak({ minutes, tell }: SoakOptions): Promise<Verdict> {
  const clock = new SystemClock()
  const random = new SeededRandom(1)
  const outcomes = new Outcomes()
  const samples: Sample[] = []
  await using cleanUp = new AsyncDisposableStack()
  let fleet: Fleet | undefined
  const gateway = cleanUp.use(
    await GatewayHandle.start({ gateway: { port: 0 } }, (revision) => void fleet?.wake(revision)),
  )
  fleet = cleanUp.use(new Fleet(clock, (tables) => gateway.publish(tables)))
  const atRest = await gateway.sample()
  await fleet.start()
  const traffic = cleanUp.use(new Traffic({ port: gateway.port, clock, random }))

  const untilMs = clock.now() + minutes * 60_000
  const isOn = (): boolean => clock.now() < untilMs
  const now = (): number => clock.now()

  /** Every so often until the end; a turn that takes longer delays the next. */
  const every = async (periodMs: number, turn: () => Promise<void>): Promise<void> => {
    for (let nextMs = clock.now() + periodMs; nextMs < untilMs; nextMs += periodMs) {
      await clock.sleep(Math.max(0, nextMs - clock.now()))
      await turn()
    }
  }
  const send = async (kind: string): Promise<void> => {
    const entry = MIX[kind]!
    while (isOn()) {
      // Exponential gaps: requests of one kind meet each other as those of strangers do.
      await clock.sleep((-Math.log(1 - random.next()) / entry.perSecond) * 1_000)
      void outcomes.of(kind, now, () => entry.send(traffic))
    }
  }
  const sleepAndWake = async (): Promise<void> => {
    await Promise.all(
      Array.from({ length: COLD_BURST }, () => outcomes.of('cold', now, () => traffic.cold())),
    )
    await fleet.sleep(() => revisionIdle(gateway, SLEEPY, clock))
  }
  let kills = 0
  await Promise.all([
    ...Object.keys(MIX).map((kind) => send(kind)),
    every(KILL_PERIOD_MS, () => (++kills % 2 === 1 ? fleet.kill() : fleet.killCanary())),
    every(COLD_PERIOD_MS, sleepAndWake),
    every(SAMPLE_PERIOD_MS, async () => {
      const sample = await gateway.sample()
      samples.push(sample)
      tell(lineOf(sample, atRest.atMs, outcomes))
    }),
  ])

  const patienceEndsMs = clock.now() + END_PATIENCE_MS
  while (outcomes.underWay > 0 && clock.now() < patienceEndsMs) await clock.sleep(100)
  traffic[Symbol.dispose]()
  await fleet[Symbol.asyncDispose]()
  // With clients and replicas gone, their connections have to go as well.
  let last = await gateway.sample()
  while (clock.now() < patienceEndsMs && (last.underWay > 0 || socketsOf(last) > socketsOf(atRest))) {
    await clock.sleep(200)
    last = await gateway.sample()
  }
  await gateway.drain()
  return judge({ atRest, samples, last, outcomes, kills: fleet.kills })
}

async function revisionIdle(gateway: GatewayHandle, revision: string, clock: SystemClock): Promise<void> {
  for (;;) {
    const { revisions } = await gateway.sample()
    if ((revisions[revision]?.inFlight ?? 0) === 0) return
    await clock.sleep(50)
  }
}

function lineOf(sample: Sample, beganMs: number, outcomes: Outcomes): string {
  const mb = (bytes: number): string => (bytes / 1_048_576).toFixed(1).padStart(6)
  const seconds = Math.round((sample.atMs - beganMs) / 1_000)
  return (
    `${String(seconds).padStart(5)} s  rss ${mb(sample.rssBytes)} MB  heap ${mb(sample.heapBytes)} MB  ` +
    `external ${mb(sample.externalBytes)} MB  sockets ${socketsOf(sample)}  under way ${sample.underWay}  ` +
    `sent ${outcomes.sent}`
  )
}
