/** What one decision leaves for the next. Plain data: with policy and observation it replays to the same number. */
export interface LlmMemory {
  /** For how long, in all decisions that could tell, one replica less would have been enough. */
  readonly calmMs: number
  /** The decision before said so, and when; null: it said the contrary, or could not tell. */
  readonly calmAtMs: number | null
  /** What an engine was seen to work on at once, where nobody says what it can; null: none has queued yet. */
  readonly batch: number | null
}

/** The memory of a revision that was never decided on. */
export const initialLlmMemory: LlmMemory = Object.freeze({ calmMs: 0, calmAtMs: null, batch: null })
