/** All that decides how a language model's revision scales on what its engines say: plain data. */
export interface LlmPolicy {
  readonly class: 'llm'
  /** At least 1: what is below is decided by requests and idle time. */
  readonly minReplicas: number
  /** Requests in the queue of one engine at which its replica counts as full. */
  readonly waitingTarget: number
  /** Share of its KV cache, above 0 and at most 1, at which a replica counts as full. */
  readonly kvTarget: number
  /** Requests that one replica works on at once; 0 = not known, so running requests are no signal. */
  readonly capacity: number
  /** Time to the first token that is promised, in ms; null = none. */
  readonly ttftObjectiveMs: number | null
  /** Time between two tokens that is promised, in ms; null = none. */
  readonly itlObjectiveMs: number | null
  /** How full the others may be once one replica less has to carry the load. */
  readonly consolidationBound: number
  /** How long one replica less has to be enough until the first one leaves. */
  readonly scaleDownDelayMs: number
  /** From one that left to the next, if the delay is not shorter. */
  readonly scaleDownPeriodMs: number
  /** In one decision at most so many times the ready replicas, or so many more; the larger counts. */
  readonly scaleUp: { readonly factor: number; readonly replicas: number }
  /** A reading older than this says nothing any more. */
  readonly readingMaxAgeMs: number
}

/**
 * 5 waiting and 0.8 of the KV cache are where llm-d's endpoint picker calls a replica saturated; 0.8 after
 * consolidation is the bound of Dynamo's planner; 300 s are HPA's and AIBrix's; doubling, or 4 more, is HPA's.
 */
export const defaultLlmPolicy: LlmPolicy = Object.freeze({
  class: 'llm',
  minReplicas: 1,
  waitingTarget: 5,
  kvTarget: 0.8,
  capacity: 0,
  ttftObjectiveMs: null,
  itlObjectiveMs: null,
  consolidationBound: 0.8,
  scaleDownDelayMs: 300_000,
  scaleDownPeriodMs: 60_000,
  scaleUp: Object.freeze({ factor: 2, replicas: 4 }),
  readingMaxAgeMs: 15_000,
})
