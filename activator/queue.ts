/** How much may wait. */
export interface QueueBounds {
  /** Requests; 0 = none may wait. */
  readonly depthMax: number
  /** Sum of the waiting requests' bytes. */
  readonly bytesMax: number
}

/** A place in the queue. Leaving it is O(1): a client that goes away leaves at once, wherever it stands. */
export interface Place<T> {
  readonly value: T
  readonly bytes: number
  readonly sinceMs: number
  before: Place<T> | undefined
  after: Place<T> | undefined
  queued: boolean
}

/**
 * First in, first out, bounded in number and bytes; a doubly linked list.
 *
 *     oldest -> place <-> place <-> place <- newest
 */
export class Queue<T> {
  readonly #bounds: QueueBounds
  #oldest: Place<T> | undefined
  #newest: Place<T> | undefined
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

  get oldest(): Place<T> | undefined {
    return this.#oldest
  }

  /** Why one more of this size may not wait; undefined if it may. */
  refuses(bytes: number): 'QUEUE_FULL' | 'QUEUE_BYTES_FULL' | undefined {
    if (this.#depth >= this.#bounds.depthMax) return 'QUEUE_FULL'
    if (this.#bytes + bytes > this.#bounds.bytesMax) return 'QUEUE_BYTES_FULL'
    return undefined
  }

  push(value: T, bytes: number, nowMs: number): Place<T> {
    const place: Place<T> = {
      value,
      bytes,
      sinceMs: nowMs,
      before: this.#newest,
      after: undefined,
      queued: true,
    }
    if (this.#newest === undefined) this.#oldest = place
    else this.#newest.after = place
    this.#newest = place
    this.#depth += 1
    this.#bytes += bytes
    return place
  }

  /** Does nothing if the place has left already. */
  leave(place: Place<T>): void {
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
