import type { Clock } from '../core/clock.ts'
import type { Probe } from '../core/revision.ts'
import type { Launch } from './launch.ts'
import { ask, askTcp, type Check } from './readiness-check.ts'
import { messageOf } from './replica-failure.ts'

const SHORTEST_PAUSE_MS = 2
const SHORTEST_EXEC_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 1_000

/**
 * The pause between two checks: a hundredth of the time waited so far, so that asking adds at most 1 % to a start.
 * Worked: 2 ms in the first 200 ms (a fast process should not wait for its check), 10 ms after a second, 100 ms after
 * 10 s, 1 s from 100 s on. A command costs more than a connect, so it is run four times a second at most.
 */
export function checkPauseMs(kind: Check['kind'], waitedMs: number): number {
  const shortestMs = kind === 'exec' ? SHORTEST_EXEC_PAUSE_MS : SHORTEST_PAUSE_MS
  return Math.min(LONGEST_PAUSE_MS, Math.max(shortestMs, waitedMs / 100))
}

/** Asks one check after the other, each until the replica says yes; as `untilReady`. */
export async function untilAllReady(
  checks: readonly Check[],
  options: Parameters<typeof untilReady>[1],
  signal: AbortSignal,
): Promise<void> {
  for (const check of checks) await untilReady(check, options, signal)
}

/**
 * Asks until the replica says yes. `initialDelaySeconds` is not waited for: asking early harms nobody here.
 * @param onNo gets the reason of each no: `GET /v1/models/iris: status 503`.
 * @throws the signal's reason when it is aborted.
 */
export async function untilReady(
  check: Check,
  options: {
    readonly probe: Probe | undefined
    readonly launch: Launch
    readonly clock: Clock
    readonly onNo: (reason: string) => void
  },
  signal: AbortSignal,
): Promise<void> {
  const { probe, clock } = options
  const timeoutMs = Math.max(1, probe?.timeoutSeconds ?? 1) * 1_000
  const startedMs = clock.now()
  let yesLeft = Math.max(1, probe?.successThreshold ?? 1)
  let isListening = false
  for (;;) {
    const no = await withinTimeout(clock, timeoutMs, signal, async (deadline) => {
      // A connect that is refused is the cheapest no, and the one that is asked for most often.
      if (check.kind === 'http' && !isListening) {
        const refused = await askTcp(check.port, deadline)
        if (refused !== undefined) return refused
        isListening = true
      }
      return ask(check, options.launch, deadline)
    })
    if (no === undefined) yesLeft -= 1
    else {
      yesLeft = Math.max(1, probe?.successThreshold ?? 1)
      options.onNo(no)
    }
    if (yesLeft === 0) return
    await clock.sleep(checkPauseMs(check.kind, clock.now() - startedMs), signal)
  }
}

async function withinTimeout(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
  attempt: (deadline: AbortSignal) => Promise<string | undefined>,
): Promise<string | undefined> {
  signal.throwIfAborted()
  const late = new AbortController()
  using _timer = clock.after(timeoutMs, () =>
    late.abort(new Error(`no answer within ${timeoutMs / 1_000} s`)),
  )
  try {
    return await attempt(AbortSignal.any([signal, late.signal]))
  } catch (error) {
    signal.throwIfAborted()
    return late.signal.aborted ? messageOf(late.signal.reason) : messageOf(error)
  }
}
