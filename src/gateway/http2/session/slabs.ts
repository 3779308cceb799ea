/** Room for frames: what lies before `at` has been written and may not have left yet, so it is not used again. */
export interface Slab {
  readonly bytes: Buffer
  at: number
}

/** Small frames of one turn fit, and one turn of a busy connection rarely needs two. */
export const SLAB_BYTES = 16_384
/** Less room than this is not worth keeping. */
const REST_BYTES_MIN = 1_024
const KEPT_MAX = 64

/**
 * Slabs for the sessions of a thread. A session has one only from its first frame in a turn until it is flushed, so that
 * idle sessions hold no room, and the next takes the rest of it.
 */
export class SlabPool {
  readonly #kept: Slab[] = []

  take(): Slab {
    return this.#kept.pop() ?? { bytes: Buffer.allocUnsafeSlow(SLAB_BYTES), at: 0 }
  }

  giveBack(slab: Slab): void {
    if (SLAB_BYTES - slab.at >= REST_BYTES_MIN && this.#kept.length < KEPT_MAX) this.#kept.push(slab)
  }
}
