import { describe, expect, it } from 'vitest'
import { asksForLlm, llmPolicyOf, LlmPolicyError, validateLlm } from './annotations.ts'
import { defaultLlmPolicy } from './policy.ts'

const own = (settings: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [`pilotlight.dev/${key}`, value]))

describe('the policy of a revision', () => {
  it('is asked for by one annotation', () => {
    expect(asksForLlm(own({ policy: 'llm' }))).toBe(true)
    expect(asksForLlm(own({ 'llm-kv-target': '0.5' }))).toBe(false)
  })

  it('has a default for all that is not said', () => {
    expect(llmPolicyOf(own({ policy: 'llm' }))).toEqual(defaultLlmPolicy)
    expect(llmPolicyOf({}, { containerConcurrency: 64 }).capacity).toBe(64)
  })

  it('is what the annotations say', () => {
    const annotations = own({
      'llm-waiting-target': '2.5',
      'llm-kv-target': '0.9',
      'llm-capacity': '32',
      'llm-ttft-objective': '500ms',
      'llm-itl-objective': '50ms',
      'llm-consolidation-bound': '0.7',
      'llm-scale-down-delay': '0s',
      'llm-reading-max-age': '1m',
    })
    expect(llmPolicyOf(annotations, { containerConcurrency: 64 })).toEqual({
      ...defaultLlmPolicy,
      waitingTarget: 2.5,
      kvTarget: 0.9,
      capacity: 32,
      ttftObjectiveMs: 500,
      itlObjectiveMs: 50,
      consolidationBound: 0.7,
      scaleDownDelayMs: 0,
      readingMaxAgeMs: 60_000,
    })
  })

  it.each([
    ['policy', 'gpt', 'llm'],
    ['llm-waiting-target', '0', 'a number above 0, at most 1000000'],
    ['llm-waiting-target', 'NaN', 'a number above 0, at most 1000000'],
    ['llm-capacity', '-1', 'a number above 0, at most 1000000'],
    ['llm-kv-target', '80', 'a share above 0 and at most 1, such as 0.8'],
    ['llm-consolidation-bound', '', 'a share above 0 and at most 1, such as 0.8'],
    ['llm-ttft-objective', '500', 'a duration above 0s and at most 1h, such as 500ms'],
    ['llm-itl-objective', '0s', 'a duration above 0s and at most 1h, such as 500ms'],
    ['llm-scale-down-delay', '-1s', 'a duration from 0s to 1h, such as 5m'],
    ['llm-scale-down-delay', '2h', 'a duration from 0s to 1h, such as 5m'],
  ])('refuses %s: "%s"', (key, value, allowed) => {
    const message = `pilotlight.dev/${key}: "${value}" is not allowed: ${allowed}`
    expect(validateLlm(own({ [key]: value }))).toEqual([message])
    expect(() => llmPolicyOf(own({ [key]: value }))).toThrow(new LlmPolicyError([message]))
  })

  it('names everything that is wrong at once', () => {
    expect(validateLlm(own({ 'llm-kv-target': 'x', 'llm-capacity': 'y' }))).toHaveLength(2)
    expect(validateLlm(own({ policy: 'llm', 'llm-kv-target': '1' }))).toEqual([])
  })
})
