/**
 * The policy of language models, `pilotlight.dev/policy: llm`: how full each replica is by what it has least left
 * of (its queue, its KV cache, its batch), how many replicas the same load fills, and whether the others could hold
 * the share of one that goes. `decideLlm` is a function of a policy, of what engines and gateways said, and of what
 * the decision before left behind. Who reads the engines, and zero, are somebody else's.
 */
export { asksForLlm, llmPolicyOf, LlmPolicyError, validateLlm } from './annotations.ts'
export { decideLlm, requestsOf } from './decide.ts'
export { type DecidedLlm, type LlmDecision } from './decision.ts'
export { initialLlmMemory, type LlmMemory } from './memory.ts'
export { type EngineReading, type LlmObservation } from './observation.ts'
export { defaultLlmPolicy, type LlmPolicy } from './policy.ts'
