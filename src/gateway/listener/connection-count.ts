/** Bounds on open connections; 0 = any number. */
export interface ConnectionBounds {
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
}

/**
 * The connections that are open. Threads that listen on one port share an array with a cell for each, so that the total
 * holds for all of them, and the cell of a thread that died can be set to 0. Addresses are counted by each for itself.
 */
export class ConnectionCount {
  readonly #bounds: ConnectionBounds
  readonly #cells: Int32Array
  readonly #own: number
  readonly #byAddress = new Map<string, number>()

  /** Cells for so many threads, to hand to each. */
  static cells(threads: number): Int32Array<SharedArrayBuffer> {
    return new Int32Array(new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT))
  }

  constructor(bounds: ConnectionBounds, cells: Int32Array = ConnectionCount.cells(1), own = 0) {
    this.#bounds = bounds
    this.#cells = cells
    this.#own = own
  }

  /** Counts one more, or says which bound is in the way and counts nothing. */
  enter(address: string): 'entered' | 'limit' | 'per-address' {
    const { connectionsMax, connectionsPerAddressMax } = this.#bounds
    const ofAddress = (this.#byAddress.get(address) ?? 0) + 1
    if (connectionsPerAddressMax > 0 && ofAddress > connectionsPerAddressMax) return 'per-address'
    // Added before it is compared: of two threads at the last place at most one gets it, never both.
    Atomics.add(this.#cells, this.#own, 1)
    if (connectionsMax > 0 && this.#total() > connectionsMax) {
      Atomics.sub(this.#cells, this.#own, 1)
      return 'limit'
    }
    if (connectionsPerAddressMax > 0) this.#byAddress.set(address, ofAddress)
    return 'entered'
  }

  leave(address: string): void {
    Atomics.sub(this.#cells, this.#own, 1)
    const ofAddress = this.#byAddress.get(address)
    if (ofAddress === undefined) return
    if (ofAddress > 1) this.#byAddress.set(address, ofAddress - 1)
    else this.#byAddress.delete(address)
  }

  #total(): number {
    let total = 0
    for (let at = 0; at < this.#cells.length; at++) total += Atomics.load(this.#cells, at)
    return total
  }
}
