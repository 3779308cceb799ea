import { CODE, Http2Error } from './errors.ts'

/** How many events at once, and how many per second after that. */
export interface Budget {
  readonly burst: number
  readonly perSecond: number
}

export interface FloodBounds {
  /**
   * Streams that end by a reset before they are answered: cancelled by the client (CVE-2023-44487), or reset by us because
   * of what the client sent on them (CVE-2025-8671). The default is what a client needs that cancels on every key stroke.
   */
  readonly resets: Budget
  /**
   * Frames that carry nothing of a message: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown types, frames on
   * closed streams. Each head and each DATA frame, sent or received, earns a few of them besides.
   */
  readonly control: Budget
  /** CONTINUATION frames of one head (CVE-2024-27316). */
  readonly continuationsMax: number
  /** Answers to control frames that wait because the peer does not read. */
  readonly controlBacklogBytesMax: number
}

export const FLOOD_BOUNDS_DEFAULT: FloodBounds = {
  resets: { burst: 1_000, perSecond: 33 },
  control: { burst: 10_000, perSecond: 100 },
  continuationsMax: 8,
  controlBacklogBytesMax: 65_536,
}

/**
 * Control frames that a head or a DATA frame earns, and one more per so many bytes: a receiver that reads in pieces of 4 KiB
 * says WINDOW_UPDATE for the stream and for the connection with each, which is 8 for a frame of 16 KiB. Twice that is earned.
 */
const EARNED = 3
const BYTES_PER_EARNED = 1_024

/** A bucket that empties with each event and fills with time. */
export class EventBudget {
  readonly #budget: Budget
  readonly #nowMs: () => number
  #left: number
  #atMs: number

  constructor(budget: Budget, nowMs: () => number) {
    this.#budget = budget
    this.#nowMs = nowMs
    this.#left = budget.burst
    this.#atMs = nowMs()
  }

  /** The clock is read only when the bucket seems empty: until then what time gave does not matter. */
  take(): boolean {
    if (this.#left >= 1) {
      this.#left -= 1
      return true
    }
    const nowMs = this.#nowMs()
    this.earn(((nowMs - this.#atMs) * this.#budget.perSecond) / 1_000)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }

  earn(events: number): void {
    this.#left = Math.min(this.#left + events, this.#budget.burst)
  }
}

/** What one peer may do that costs us more than it costs the peer; more is a connection error ENHANCE_YOUR_CALM. */
export class FloodGuard {
  readonly #resets: EventBudget
  readonly #control: EventBudget
  readonly continuationsMax: number

  constructor(bounds: FloodBounds, nowMs: () => number) {
    this.#resets = new EventBudget(bounds.resets, nowMs)
    this.#control = new EventBudget(bounds.control, nowMs)
    this.continuationsMax = bounds.continuationsMax
  }

  /** A head, or DATA of so many bytes, was sent or received. */
  useful(bytes: number): void {
    this.#control.earn(EARNED + bytes / BYTES_PER_EARNED)
  }

  control(): void {
    if (!this.#control.take()) throw new Http2Error(CODE.enhanceYourCalm, 'too many control frames')
  }

  reset(): void {
    if (!this.#resets.take()) throw new Http2Error(CODE.enhanceYourCalm, 'too many streams were reset')
  }
}
