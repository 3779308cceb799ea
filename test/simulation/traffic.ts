import type { Clients } from './client.ts'
import { around, pick, type SimulatedService } from './scenario.ts'
import type { World } from './world.ts'

/** What the clients of one service do for a while. */
interface Phase {
  readonly forMs: number
  /** Mean gap between two requests; Infinity: silence. */
  readonly gapMs: number
}

/** Bursts, trickles, steady load and silence long enough to fall asleep, in any order, until `signal` is aborted. */
export async function sendTraffic(
  world: World,
  clients: Clients,
  service: SimulatedService,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random } = world
  const pause = (ms: number): Promise<void> => clock.sleep(ms, signal)
  try {
    for (;;) {
      const phase = pick<() => Phase>(random, [
        () => ({ forMs: 30_000 + random.below(240_000), gapMs: Number.POSITIVE_INFINITY }),
        () => ({ forMs: 60_000 + random.below(240_000), gapMs: 2_000 + random.below(30_000) }),
        () => ({ forMs: 1_000 + random.below(8_000), gapMs: 10 + random.below(100) }),
        () => ({ forMs: 10_000 + random.below(60_000), gapMs: 200 + random.below(1_000) }),
      ])()
      const untilMs = clock.now() + phase.forMs
      while (clock.now() < untilMs) {
        await pause(Math.min(around(random, phase.gapMs), untilMs - clock.now()))
        if (clock.now() < untilMs) void clients.request(service)
      }
    }
  } catch {
    // Aborted: the clients are told to stop.
  }
}
