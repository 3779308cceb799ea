import { decide, type Decided, type Memory, type Observation } from './decide.ts'
import type { Policy } from './policy.ts'

/** Changes when a record of before would no longer decide to the same number. */
export const RECORD_FORMAT = 'pilotlight.dev/decision/v1'

/** All that one decision was made of. Written down with `writeRecord`, it decides to the same number anywhere. */
export interface DecisionRecord {
  readonly format: typeof RECORD_FORMAT
  readonly policy: Policy
  readonly observation: Observation
  /** As it was before the decision. */
  readonly memory: Memory
  /** What was decided; null: nothing was changed. */
  readonly replicas: number | null
}

export interface Replayed {
  readonly decided: Decided
  /** It came to the number of the record. */
  readonly isSame: boolean
}

/** The text is no record; the message says where and what is wrong. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
}

export function recordOf(
  policy: Policy,
  observation: Observation,
  memory: Memory,
  { decision }: Decided,
): DecisionRecord {
  return { format: RECORD_FORMAT, policy, observation, memory, replicas: decision.replicas ?? null }
}

/** Decides again. A number that differs says that the arithmetic has changed, or that the record was. */
export function replay({ policy, observation, memory, replicas }: DecisionRecord): Replayed {
  const decided = decide(policy, observation, memory)
  return { decided, isSame: (decided.decision.replicas ?? null) === replicas }
}

/**
 * The record as one line of JSON. What JSON has no word for is an object: `{"$number": "NaN"}`, also `Infinity` and
 * `-Infinity`; an engine may have said so, and it counts. A field without a value is left out.
 */
export function writeRecord(record: DecisionRecord): string {
  return JSON.stringify(record, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? { [NUMBER]: String(value) } : value,
  )
}

/**
 * Reads what `writeRecord` wrote. Its outline is looked at and not each number in it: it is meant for records of
 * our own, and none that strangers hand in.
 * @throws RecordError
 */
export function readRecord(text: string): DecisionRecord {
  let value: unknown
  try {
    value = JSON.parse(text, (_key, part: unknown) => numberOf(part) ?? part)
  } catch (error) {
    throw new RecordError(`a recorded decision has to be JSON: ${String(error)}`)
  }
  assertRecord(value)
  return value
}

const NUMBER = '$number'
const NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
])
const CLASSES = ['kpa', 'fixed', 'external', 'hpa', 'llm']

function numberOf(part: unknown): number | undefined {
  return isObject(part) && NUMBER in part ? NUMBERS.get(part[NUMBER]) : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function assertRecord(value: unknown): asserts value is DecisionRecord {
  const { format, policy, observation, memory, replicas } = objectOf(value, 'the record')
  demand(format === RECORD_FORMAT, 'format', format, RECORD_FORMAT)
  const { class: kind, ...settings } = objectOf(policy, 'policy')
  demand(
    CLASSES.some((known) => known === kind),
    'policy.class',
    kind,
    CLASSES.join(', '),
  )
  if (kind === 'hpa' || kind === 'llm') objectOf(settings[kind], `policy.${kind}`)
  const seen = objectOf(observation, 'observation')
  for (const field of ['nowMs', 'ready', 'starting', 'waiting']) {
    demand(typeof seen[field] === 'number', `observation.${field}`, seen[field], 'a number')
  }
  demand(typeof seen['reachable'] === 'boolean', 'observation.reachable', seen['reachable'], 'true or false')
  const before = objectOf(memory, 'memory')
  objectOf(before['kpa'], 'memory.kpa')
  for (const field of ['createdMs', 'upSinceMs', 'ready']) {
    demand(typeof before[field] === 'number', `memory.${field}`, before[field], 'a number')
  }
  demand(replicas === null || Number.isInteger(replicas), 'replicas', replicas, 'a whole number or null')
}

function objectOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  demand(isObject(value), path, value, 'an object')
  return value
}

function demand(holds: boolean, path: string, value: unknown, allowed: string): asserts holds {
  if (holds) return
  throw new RecordError(`${path}: ${JSON.stringify(value) ?? 'nothing'} is not allowed: ${allowed}`)
}
