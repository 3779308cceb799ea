import type { Decision } from '../../src/core/decision.ts'
import type { LlmMemory } from './memory.ts'

/** A decision of class `llm`; `replicas` is at least 1. */
export interface LlmDecision extends Pick<Decision, 'atMs' | 'limits' | 'signals'> {
  readonly class: 'llm'
  readonly replicas: number
}

export interface DecidedLlm {
  readonly decision: LlmDecision
  readonly memory: LlmMemory
}
