/** All that is seen of a revision at one moment. */
export interface LlmObservation {
  readonly nowMs: number
  /** Replicas that were ordered last. */
  readonly replicas: number
  /** Ready replicas, and those that exist and are not ready yet. */
  readonly ready: number
  readonly starting: number
  /** Requests that gateways hold because no replica has room, and those that they have on replicas. */
  readonly waiting: number
  readonly inFlight: number
  /** One for each ready replica: what its engine said last, or why there is nothing. */
  readonly engines: readonly EngineReading[]
}

/**
 * What one engine said of itself. A field that the engine does not have is left out; whatever a source read
 * instead of a number, NaN included, is handed on as it is, so that the decision can say so.
 */
export type EngineReading =
  | {
      readonly replica: string
      readonly atMs: number
      /** Requests that it works on. */
      readonly running?: number
      /** Requests in its own queue. */
      readonly waiting?: number
      /** Share of its KV cache that is in use, 0 to 1. */
      readonly kv?: number
      /** Requests that it can work on at once, if it says so; else the policy's. */
      readonly capacity?: number
      /** Of requests that began lately, in ms. */
      readonly ttftMs?: number
      readonly itlMs?: number
    }
  | { readonly replica: string; readonly error: string }
