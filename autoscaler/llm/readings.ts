import type { EngineReading, LlmObservation } from './observation.ts'
import type { LlmPolicy } from './policy.ts'

/** A reading that is new enough to count. */
export type Heard = Extract<EngineReading, { readonly atMs: number }>

/** The engines that can be heard, and in words those that cannot. */
export interface Hearing {
  readonly heard: readonly Heard[]
  readonly missing: readonly string[]
}

export type Field = 'running' | 'waiting' | 'kv' | 'ttftMs' | 'itlMs'

/** One field over all engines that are heard, in their order. */
export interface FieldValues {
  /** At least one engine has the field: one that lacks it then is a gap, and not another kind of engine. */
  readonly isReported: boolean
  /** undefined: not usable. */
  readonly values: readonly (number | undefined)[]
  /** Why a value is not usable, where the field is reported at all. */
  readonly gaps: readonly (string | undefined)[]
}

/** A share may be a rounding error above the whole; a percentage is not a share. */
const SHARE_MAX = 1.01

/** Sorts out what no number can be taken from: no reading, no answer, too old, from the future. */
export function hear({ readingMaxAgeMs }: LlmPolicy, { nowMs, ready, engines }: LlmObservation): Hearing {
  const heard: Heard[] = []
  const missing: string[] = []
  // Of two readings of one replica the later in the list counts, so that nobody is counted twice.
  const byReplica = new Map(engines.map((engine) => [engine.replica, engine]))
  for (const engine of byReplica.values()) {
    if ('error' in engine) missing.push(`${engine.replica}: ${engine.error}`)
    else if (!Number.isFinite(engine.atMs)) missing.push(`${engine.replica}: not known how old`)
    else if (nowMs - engine.atMs > readingMaxAgeMs) {
      // The limit and not the age: a decision that says the same as before is not a new one.
      missing.push(`${engine.replica}: late, older than ${readingMaxAgeMs / 1000} s`)
    } else if (engine.atMs - nowMs > readingMaxAgeMs) missing.push(`${engine.replica}: from the future`)
    else heard.push(engine)
  }
  const silent = ready - byReplica.size
  if (silent > 0) missing.push(`${silent} of ${ready} ready replicas: no reading`)
  return { heard, missing }
}

/** The usable values of one field. What is not usable is named, so that it neither adds load nor hides it. */
export function valuesOf({ heard }: Hearing, field: Field): FieldValues {
  const isReported = heard.some((engine) => engine[field] !== undefined)
  const problems = heard.map((engine) => problemOf(field, engine[field]))
  return {
    isReported,
    values: heard.map((engine, index) => {
      const value = problems[index] === undefined ? engine[field] : undefined
      return field === 'kv' && value !== undefined ? Math.min(value, 1) : value
    }),
    gaps: heard.map(({ replica }, index) =>
      !isReported || problems[index] === undefined ? undefined : `${replica}: ${field} ${problems[index]}`,
    ),
  }
}

function problemOf(field: Field, value: number | undefined): string | undefined {
  if (value === undefined) return 'is not reported'
  if (!Number.isFinite(value)) return 'is not a number'
  if (value < 0) return 'is negative'
  return field === 'kv' && value > SHARE_MAX ? 'is above 1' : undefined
}

/** The gaps that are there. */
export function missingOf(gaps: readonly (string | undefined)[]): readonly string[] {
  return gaps.flatMap((gap) => gap ?? [])
}

/** At most three in full, for there may be hundreds of replicas. */
export function inWords(missing: readonly string[]): string {
  const shown = missing.slice(0, 3).join('; ')
  return missing.length > 3 ? `${shown}; and ${missing.length - 3} more` : shown
}
