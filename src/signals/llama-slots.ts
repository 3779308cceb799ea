import { absent, type Signal } from './signal.ts'

/** What llama-server's `GET /slots` says: requests in execution, and how many there can be. */
export interface SlotSignals {
  readonly running: Signal
  readonly runningMax: Signal
}

const SLOTS_MAX = 10_000

/**
 * Reads the answer of `GET /slots`: `[{"id": 0, "n_ctx": 4096, "is_processing": true, ...}, ...]`, in older builds
 * `"state": 1`. What else is in it depends on the build.
 */
export function slotSignals(body: string, atMs: number): SlotSignals {
  const slots = slotsOf(body)
  if (typeof slots === 'string') {
    const none = absent('not exported', slots)
    return { running: none, runningMax: none }
  }
  const from = 'llama-server /slots'
  return {
    running: { value: slots.filter(isBusy).length, atMs, from },
    runningMax: { value: slots.length, atMs, from },
  }
}

function slotsOf(body: string): readonly object[] | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return '/slots is no JSON'
  }
  if (!Array.isArray(parsed) || parsed.length > SLOTS_MAX)
    return `/slots is no list of up to ${SLOTS_MAX} slots`
  const slots = parsed.filter((slot): slot is object => typeof slot === 'object' && slot !== null)
  return slots.length === parsed.length ? slots : '/slots holds something that is no slot'
}

function isBusy(slot: object): boolean {
  if ('is_processing' in slot) return slot.is_processing === true
  return 'state' in slot && typeof slot.state === 'number' && slot.state !== 0
}
