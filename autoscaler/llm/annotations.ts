import type { Annotations } from '../annotations.ts'
import { parseGoDurationMs, parseGoFloat } from '../go-literals.ts'
import { defaultLlmPolicy, type LlmPolicy } from './policy.ts'

const PREFIX = 'pilotlight.dev/'
const POLICY = `${PREFIX}policy`

/** The annotation `pilotlight.dev/policy: llm` is there. */
export function asksForLlm(annotations: Annotations): boolean {
  return annotations[POLICY] === 'llm'
}

/** The annotations cannot be read; `messages` has one for each, with key, value and what is allowed. */
export class LlmPolicyError extends Error {
  override readonly name = 'LlmPolicyError'
  readonly messages: readonly string[]

  constructor(messages: readonly string[]) {
    super(messages.join('; '))
    this.messages = messages
  }
}

/**
 * The policy that a revision's annotations ask for; what they leave out has its default.
 * @param options.containerConcurrency requests that one replica takes at most, where `llm-capacity` does not say;
 *   0 = no limit.
 * @throws LlmPolicyError naming each key that is wrong, its value and what is allowed.
 */
export function llmPolicyOf(
  annotations: Annotations,
  { containerConcurrency = 0 }: { readonly containerConcurrency?: number } = {},
): LlmPolicy {
  const read = new Reader(annotations)
  const { waitingTarget, kvTarget, consolidationBound, scaleDownDelayMs } = defaultLlmPolicy
  const policy: LlmPolicy = Object.freeze({
    ...defaultLlmPolicy,
    waitingTarget: read.number('waiting-target', aboveZero) ?? waitingTarget,
    kvTarget: read.number('kv-target', share) ?? kvTarget,
    capacity: read.number('capacity', aboveZero) ?? containerConcurrency,
    ttftObjectiveMs: read.durationMs('ttft-objective', positiveDuration) ?? null,
    itlObjectiveMs: read.durationMs('itl-objective', positiveDuration) ?? null,
    consolidationBound: read.number('consolidation-bound', share) ?? consolidationBound,
    scaleDownDelayMs: read.durationMs('scale-down-delay', delay) ?? scaleDownDelayMs,
    readingMaxAgeMs: read.durationMs('reading-max-age', positiveDuration) ?? defaultLlmPolicy.readingMaxAgeMs,
  })
  read.onlyPolicyOf(['llm'])
  if (read.messages.length > 0) throw new LlmPolicyError(read.messages)
  return policy
}

/** What is wrong with the annotations, one message each; empty when they can be read. */
export function validateLlm(annotations: Annotations): readonly string[] {
  try {
    llmPolicyOf(annotations)
    return []
  } catch (error) {
    if (error instanceof LlmPolicyError) return error.messages
    throw error
  }
}

interface Rule {
  readonly allowed: string
  /** Written so that it is false for NaN. */
  readonly holds: (value: number) => boolean
}

const aboveZero: Rule = {
  allowed: 'a number above 0, at most 1000000',
  holds: (value) => value > 0 && value <= 1_000_000,
}
const share: Rule = {
  allowed: 'a share above 0 and at most 1, such as 0.8',
  holds: (value) => value > 0 && value <= 1,
}
const positiveDuration: Rule = {
  allowed: 'a duration above 0s and at most 1h, such as 500ms',
  holds: (ms) => ms > 0 && ms <= 3_600_000,
}
const delay: Rule = {
  allowed: 'a duration from 0s to 1h, such as 5m',
  holds: (ms) => ms >= 0 && ms <= 3_600_000,
}

/** Reads one key at a time and collects what is wrong. */
class Reader {
  readonly messages: string[] = []
  readonly #annotations: Annotations

  constructor(annotations: Annotations) {
    this.#annotations = annotations
  }

  number(name: string, rule: Rule): number | undefined {
    return this.#read(name, rule, parseGoFloat)
  }

  durationMs(name: string, rule: Rule): number | undefined {
    return this.#read(name, rule, parseGoDurationMs)
  }

  onlyPolicyOf(allowed: readonly string[]): void {
    const text = this.#annotations[POLICY]
    if (text === undefined || allowed.includes(text)) return
    this.messages.push(`${POLICY}: "${text}" is not allowed: ${allowed.join(' or ')}`)
  }

  #read(
    name: string,
    { allowed, holds }: Rule,
    parse: (text: string) => number | undefined,
  ): number | undefined {
    const key = `${PREFIX}llm-${name}`
    const text = this.#annotations[key]
    if (text === undefined) return undefined
    const value = parse(text)
    if (value !== undefined && holds(value)) return value
    this.messages.push(`${key}: "${text}" is not allowed: ${allowed}`)
    return undefined
  }
}
