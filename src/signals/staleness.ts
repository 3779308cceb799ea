import { absent, isPresent, type Signal } from './signal.ts'

/**
 * The signal, if it is not older than `staleAfterMs`. A clock that is ahead by no more than that is no fault; a value
 * further in the future says as little as an old one.
 */
export function freshAt(signal: Signal, nowMs: number, staleAfterMs: number): Signal {
  if (!isPresent(signal)) return signal
  const ageMs = nowMs - signal.atMs
  if (Math.abs(ageMs) <= staleAfterMs) return signal
  const age = ageMs > 0 ? `${ageMs} ms old` : `${-ageMs} ms in the future`
  return absent('stale', `${signal.from} is ${age}; ${staleAfterMs} ms are allowed`)
}
