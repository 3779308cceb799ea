import type { Clock } from '../../../../src/core/clock.ts'
import type { Probe } from './objects.ts'

export interface ProbeOptions {
  readonly probe: Probe
  readonly clock: Clock
  /** Ends with the container. */
  readonly signal: AbortSignal
  /** Readiness and liveness wait for the startup probe, and then begin at once. */
  readonly begin: Promise<void>
  readonly attempt: (timeoutMs: number) => Promise<boolean>
  /** Called whenever a threshold is reached, with what it says. */
  readonly report: (isSuccess: boolean) => void
}

/** Asks at the probe's own period (10 s unless it says otherwise), the first time at once. Resolves when the signal ends it. */
export async function runProbe({
  probe,
  clock,
  signal,
  begin,
  attempt,
  report,
}: ProbeOptions): Promise<void> {
  const { initialDelaySeconds = 0, periodSeconds = 10, timeoutSeconds = 1 } = probe
  const { successThreshold = 1, failureThreshold = 3 } = probe
  let inARow = 0
  let last: boolean | undefined
  try {
    await begin
    await clock.sleep(initialDelaySeconds * 1_000, signal)
    for (let dueAtMs = clock.now(); ; dueAtMs = Math.max(dueAtMs + periodSeconds * 1_000, clock.now())) {
      await clock.sleep(dueAtMs - clock.now(), signal)
      const isSuccess = await attempt(timeoutSeconds * 1_000)
      if (signal.aborted) return
      inARow = isSuccess === last ? inARow + 1 : 1
      last = isSuccess
      if (inARow >= (isSuccess ? successThreshold : failureThreshold)) report(isSuccess)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
