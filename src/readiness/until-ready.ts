import type { Clock } from '../core/clock.ts'
import type { Probe } from '../core/revision.ts'
import { ask, askTcp, type Check } from './check.ts'
import type { PauseRule } from './pause.ts'
import type { Turns } from './turns.ts'

export interface AskOptions {
  readonly probe: Pick<Probe, 'timeoutSeconds' | 'successThreshold'> | undefined
  readonly clock: Clock
  readonly pauseMs: PauseRule
  /** How many may ask at the same time; default: everybody. */
  readonly turns?: Turns
  /** Gets the reason of each no: `GET /v1/models/iris: status 503`. */
  readonly onNo: (reason: string) => void
}

/** Asks one check after the other, each until the replica says yes; as `untilReady`. */
export async function untilAllReady(
  checks: readonly Check[],
  options: AskOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const check of checks) await untilReady(check, options, signal)
}

/**
 * Asks until the replica says yes. `initialDelaySeconds` is not waited for: asking early harms nobody here.
 * @throws the signal's reason when it is aborted.
 */
export async function untilReady(check: Check, options: AskOptions, signal: AbortSignal): Promise<void> {
  const { probe, clock, turns } = options
  const timeoutMs = Math.max(1, probe?.timeoutSeconds ?? 1) * 1_000
  const startedMs = clock.now()
  let yesLeft = Math.max(1, probe?.successThreshold ?? 1)
  let isListening = false
  const attempt = async (deadline: AbortSignal): Promise<string | undefined> => {
    // A connect that is refused is the cheapest no, and the one that is asked for most often.
    if ((check.kind === 'http' || check.kind === 'grpc') && !isListening) {
      const refused = await askTcp(check, deadline)
      if (refused !== undefined) return refused
      isListening = true
    }
    return ask(check, deadline)
  }
  for (;;) {
    const no = await askInTurn(turns, signal, () => withinTimeout(clock, timeoutMs, signal, attempt))
    if (no === undefined) yesLeft -= 1
    else {
      yesLeft = Math.max(1, probe?.successThreshold ?? 1)
      options.onNo(no)
    }
    if (yesLeft === 0) return
    await clock.sleep(options.pauseMs(check.kind, clock.now() - startedMs), signal)
  }
}

async function askInTurn<T>(
  turns: Turns | undefined,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  if (turns === undefined) return attempt()
  using _turn = await turns.take(signal)
  return await attempt()
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
    return messageOf(late.signal.aborted ? late.signal.reason : error)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
