import type { Clock, Timer } from '../src/core/clock.ts'
import type { Address } from '../src/core/replica.ts'
import type { Slot } from './slot.ts'

const BACKOFF_MIN_MS = 1_000
const BACKOFF_MAX_MS = 60_000

/** Whether a replica takes connections again. Rejecting is as good as false. */
export type Probe = (address: Address, signal: AbortSignal) => Promise<boolean>

/** What became of a replica that failed; one of which an answer went well since is not known here. */
type Failing =
  | { readonly state: 'out'; readonly failures: number; readonly backoff: Timer }
  | { readonly state: 'probed'; readonly failures: number; readonly stop: AbortController }
  /** In the choice again. Its next failure counts on until an answer goes well. */
  | { readonly state: 'back'; readonly failures: number }

/**
 * Learns from requests which replicas refuse or reset connections, takes each out of the choice for a while, and asks by
 * a probe before it comes back:
 *
 *     healthy -failed-> out -backoff over-> probed -yes-> back -answered-> healthy
 *                        ^                    |             |
 *                        +---no, twice as long+    failed---+ (out again, twice as long)
 *
 * It only marks slots: that a marked one is chosen all the same where no other stands is the slot table's rule.
 */
export class PassiveHealth {
  readonly #clock: Clock
  readonly #probe: Probe | undefined
  readonly #onBack: () => void
  readonly #failing = new Map<Slot, Failing>()

  constructor(options: {
    readonly clock: Clock
    /** Default: a replica comes back unasked when its backoff is over. */
    readonly probe?: Probe | undefined
    /** A replica is in the choice again. */
    readonly onBack: () => void
  }) {
    this.#clock = options.clock
    this.#probe = options.probe
    this.#onBack = options.onBack
  }

  /** A connection was refused or reset. False where the replica is out already: requests that fail together count once. */
  failed(slot: Slot): boolean {
    const known = this.#failing.get(slot)
    if (known !== undefined && known.state !== 'back' && slot.ejected) return false
    this.#forget(slot)
    this.#takeOut(slot, (known?.failures ?? 0) + 1)
    return true
  }

  /** An answer went well: what was held against the replica is forgotten. */
  answered(slot: Slot): void {
    if (this.#failing.size === 0 || !this.#forget(slot)) return
    if (slot.ejected) this.#bringBack(slot)
  }

  /** Forgets the replicas that are gone. */
  retain(isThere: (slot: Slot) => boolean): void {
    for (const slot of this.#failing.keys()) {
      if (isThere(slot)) continue
      this.#forget(slot)
      slot.ejected = false
    }
  }

  #takeOut(slot: Slot, failures: number): void {
    slot.ejected = true
    // 1, 2, 4, ... 32, 60, 60 s.
    const delayMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (failures - 1))
    const backoff = this.#clock.after(delayMs, () => void this.#ask(slot, failures), { keepAlive: false })
    this.#failing.set(slot, { state: 'out', failures, backoff })
  }

  async #ask(slot: Slot, failures: number): Promise<void> {
    const stop = new AbortController()
    const asked: Failing = { state: 'probed', failures, stop }
    this.#failing.set(slot, asked)
    const isWell = this.#probe === undefined || (await said(this.#probe, slot.address, stop.signal))
    // The replica left, or answered a request in the meantime.
    if (this.#failing.get(slot) !== asked) return
    if (!isWell) {
      this.#takeOut(slot, failures + 1)
      return
    }
    this.#failing.set(slot, { state: 'back', failures })
    this.#bringBack(slot)
  }

  #bringBack(slot: Slot): void {
    slot.ejected = false
    this.#onBack()
  }

  #forget(slot: Slot): boolean {
    const known = this.#failing.get(slot)
    if (known === undefined) return false
    if (known.state === 'out') known.backoff.cancel()
    if (known.state === 'probed') known.stop.abort()
    return this.#failing.delete(slot)
  }
}

async function said(probe: Probe, address: Address, signal: AbortSignal): Promise<boolean> {
  try {
    return await probe(address, signal)
  } catch {
    return false
  }
}
