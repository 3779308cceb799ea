import type { Check } from './check.ts'

const SHORTEST_PAUSE_MS = 2
const SHORTEST_EXEC_PAUSE_MS = 250
const SHORTEST_POD_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 1_000

/** How long to wait between two checks, `waitedMs` after the first. */
export type PauseRule = (kind: Check['kind'], waitedMs: number) => number

/**
 * The pause between two checks: a hundredth of the time waited so far, so that asking adds at most 1 % to a start.
 * Worked: 2 ms in the first 200 ms (a fast process should not wait for its check), 10 ms after a second, 100 ms after
 * 10 s, 1 s from 100 s on. A command costs more than a connect, so it is run four times a second at most.
 */
export const checkPauseMs: PauseRule = (kind, waitedMs) => {
  const shortestMs = kind === 'exec' ? SHORTEST_EXEC_PAUSE_MS : SHORTEST_PAUSE_MS
  return Math.min(LONGEST_PAUSE_MS, Math.max(shortestMs, waitedMs / 100))
}

/**
 * The same for a pod: every gateway asks it, over the network, so 10 ms at least.
 * Worked: 10 ms in the first second, 100 ms after 10 s, 1 s from 100 s on.
 */
export const podPauseMs: PauseRule = (_kind, waitedMs) =>
  Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_POD_PAUSE_MS, waitedMs / 100))
