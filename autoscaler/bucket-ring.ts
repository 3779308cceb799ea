/**
 * A ring of equally long time buckets, each holding the sum of what was recorded in it:
 *
 *     first write          last write
 *         v                    v
 *     [ 4 | 0 | 7 | 1 | 0 | 3 ]      window 6 s, granularity 1 s, total 15
 *
 * The windows on top of it differ only in how they average. Recording costs O(1), and O(gap) after a silence.
 * Times are epoch ms. Reference: knative/serving pkg/autoscaler/aggregation/bucketing.go.
 */
export class BucketRing {
  #windowMs: number
  readonly #granularityMs: number
  #values: Float64Array
  #total = 0
  /** -Infinity: nothing was written yet, or all that was written is out of date. */
  #firstMs = -Infinity
  #lastMs = -Infinity

  constructor(windowMs: number, granularityMs: number) {
    if (!(granularityMs > 0)) throw new RangeError(`granularityMs is ${granularityMs}; it must be above 0`)
    if (!(windowMs > 0)) throw new RangeError(`windowMs is ${windowMs}; it must be above 0`)
    this.#windowMs = windowMs
    this.#granularityMs = granularityMs
    this.#values = new Float64Array(Math.ceil(windowMs / granularityMs))
  }

  get size(): number {
    return this.#values.length
  }

  get windowMs(): number {
    return this.#windowMs
  }

  get total(): number {
    return this.#total
  }

  /** Start of the newest bucket written to; -Infinity when there is none. */
  get lastMs(): number {
    return this.#lastMs
  }

  /** Buckets from the first write to the last, both included; Infinity when the first is unknown. */
  get span(): number {
    return (this.#lastMs - this.#firstMs) / this.#granularityMs + 1
  }

  /** Whole buckets from the last write to now; negative when the last write is in the future. */
  age(nowMs: number): number {
    return (this.#floor(nowMs) - this.#lastMs) / this.#granularityMs
  }

  /** Adds to the bucket of `atMs`; a value older than the window is dropped. */
  record(atMs: number, value: number): void {
    const bucketMs = this.#floor(atMs)
    if (bucketMs !== this.#lastMs) {
      if (bucketMs + this.#windowMs <= this.#lastMs) return
      if (this.#firstMs === -Infinity || this.#firstMs > bucketMs) this.#firstMs = bucketMs
      if (bucketMs > this.#lastMs) this.#moveTo(bucketMs)
    }
    const slot = this.#slot(bucketMs)
    this.#values[slot] = this.#values[slot]! + value
    this.#total += value
  }

  /** The sum of the bucket `back` places before the last write; 0 is the newest. */
  at(back: number): number {
    return this.#values[this.#slot(this.#lastMs - back * this.#granularityMs)]!
  }

  /** The sum of the buckets that lie between the last write and now, left over from one turn of the ring ago. */
  staleTotal(nowMs: number): number {
    let stale = 0
    const toMs = this.#floor(nowMs)
    for (let ms = this.#lastMs + this.#granularityMs; ms <= toMs; ms += this.#granularityMs) {
      stale += this.#values[this.#slot(ms)]!
    }
    return stale
  }

  /** Nothing was written for longer than the window. */
  isEmpty(nowMs: number): boolean {
    return this.#floor(nowMs) - this.#lastMs > this.#windowMs
  }

  /** Nothing was written within the window: a bucket exactly one window old is out of it already. */
  isOutdated(nowMs: number): boolean {
    return this.#floor(nowMs) - this.#lastMs >= this.#windowMs
  }

  /** Keeps the newest buckets that fit. */
  resize(windowMs: number, nowMs: number): void {
    if (windowMs === this.#windowMs) return
    const resized = new BucketRing(windowMs, this.#granularityMs)
    let total = 0
    let firstMs = -Infinity
    if (!this.isEmpty(nowMs)) {
      for (let back = 0; back < Math.min(this.size, resized.size); back += 1) {
        const value = this.at(back)
        resized.#values[resized.#slot(this.#lastMs - back * this.#granularityMs)] = value
        total += value
      }
      firstMs = this.#lastMs - (this.size - 1) * this.#granularityMs
    }
    this.#windowMs = windowMs
    this.#values = resized.#values
    this.#total = total
    this.#firstMs = firstMs
  }

  /** The buckets within the window that are not zero, newest first. */
  buckets(nowMs: number): readonly { readonly atMs: number; readonly value: number }[] {
    if (this.isOutdated(nowMs)) return []
    const view = []
    const count = Math.min(this.size, this.size - this.age(nowMs))
    for (let back = 0; back < count; back += 1) {
      const value = this.at(back)
      if (value !== 0) view.push({ atMs: this.#lastMs - back * this.#granularityMs, value })
    }
    return view
  }

  /** Makes `bucketMs` the newest bucket, with the buckets skipped on the way at zero. */
  #moveTo(bucketMs: number): void {
    if (bucketMs - this.#lastMs >= this.#windowMs) {
      this.#values.fill(0)
      this.#total = 0
      this.#firstMs = bucketMs
    } else {
      for (let ms = this.#lastMs + this.#granularityMs; ms <= bucketMs; ms += this.#granularityMs) {
        const slot = this.#slot(ms)
        this.#total -= this.#values[slot]!
        this.#values[slot] = 0
      }
    }
    this.#lastMs = bucketMs
  }

  #floor(ms: number): number {
    return Math.floor(ms / this.#granularityMs) * this.#granularityMs
  }

  #slot(bucketMs: number): number {
    const size = this.#values.length
    const index = (bucketMs / this.#granularityMs) % size
    return index < 0 ? index + size : index
  }
}
