/** How much may wait. */
export interface QueueBounds {
  /** Requests; 0 = none may wait. */
  readonly depthMax: number
  /** Sum of the waiting requests' bytes. */
  readonly bytesMax: number
}

/** What stands in a queue is its own place, so that one who waits costs one object. The queue writes what is not readonly. */
export interface Place<P> {
  readonly bytes: number
  before: P | undefined
  after: P | undefined
  queued: boolean
}

/**
 * First in, first out, bounded in number and bytes; a doubly linked list. Leaving it is O(1): a client that goes away
 * leaves at once, wherever it stands.
 *
 *     oldest -> place <-> place <-> place <- newest
 */
export class Queue<P extends Place<P>> {
  readonly #bounds: QueueBounds
  #oldest: P | undefined
  #newest: P | undefined
  #depth = 0
  #bytes = 0

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds
  }

  get depth(): number {
    return this.#depth
  }

  get bytes(): number {
    return this.#bytes
  }

  get oldest(): P | undefined {
    return this.#oldest
  }

  /**
   * Why one more of this size may not wait; undefined if it may.
   * @param elsewhere how many wait in queues that share this one's `depthMax`.
   */
  refuses(bytes: number, elsewhere = 0): 'QUEUE_FULL' | 'QUEUE_BYTES_FULL' | undefined {
    if (this.#depth + elsewhere >= this.#bounds.depthMax) return 'QUEUE_FULL'
    if (this.#bytes + bytes > this.#bounds.bytesMax) return 'QUEUE_BYTES_FULL'
    return undefined
  }

  push(place: P): void {
    place.queued = true
    place.before = this.#newest
    if (this.#newest === undefined) this.#oldest = place
    else this.#newest.after = place
    this.#newest = place
    this.#depth += 1
    this.#bytes += place.bytes
  }

  /** Does nothing if the place has left already. */
  leave(place: P): void {
    if (!place.queued) return
    place.queued = false
    if (place.before === undefined) this.#oldest = place.after
    else place.before.after = place.after
    if (place.after === undefined) this.#newest = place.before
    else place.after.before = place.before
    // Whoever still holds a place that left must not hold its old neighbours, and theirs, with it.
    place.before = undefined
    place.after = undefined
    this.#depth -= 1
    this.#bytes -= place.bytes
  }
}
