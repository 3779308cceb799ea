import type { Random } from '../../src/core/random.ts'
import type { LlmMemory } from './memory.ts'
import type { EngineReading, LlmObservation } from './observation.ts'
import { defaultLlmPolicy, type LlmPolicy } from './policy.ts'

/** Policies and observations of property tests: whatever can be, broken values included. */

const BROKEN = [Number.NaN, Infinity, -Infinity, -1, undefined] as const

export function randomLlmPolicy(random: Random): LlmPolicy {
  return {
    ...defaultLlmPolicy,
    minReplicas: 1 + random.below(2) * random.below(4),
    waitingTarget: 1 + random.below(10),
    kvTarget: 0.5 + random.next() / 2,
    capacity: random.below(3) === 0 ? 0 : 1 + random.below(20),
    ttftObjectiveMs: random.below(2) === 0 ? null : 500,
    itlObjectiveMs: random.below(2) === 0 ? null : 50,
    scaleDownDelayMs: random.below(3) * 10_000,
    scaleDownPeriodMs: random.below(2) * 6_000,
  }
}

/** @param broken how many of 100 values are missing or no amount. */
export function randomEngine(
  random: Random,
  { index, nowMs, broken }: { readonly index: number; readonly nowMs: number; readonly broken: number },
): EngineReading {
  const isBroken = (): boolean => random.below(100) < broken
  const replica = `p-${index}`
  if (isBroken()) return { replica, error: 'connection refused' }
  const value = (amount: number): { value: number | undefined } => ({
    value: isBroken() ? BROKEN[random.below(BROKEN.length)] : amount,
  })
  const fields = {
    running: value(random.below(3) === 0 ? 0 : random.below(25)),
    waiting: value(random.below(2) === 0 ? 0 : random.below(40)),
    kv: value(random.next()),
    ttftMs: value(random.next() * 1_000),
    itlMs: value(random.next() * 100),
  }
  const known = Object.entries(fields).flatMap(([field, { value: read }]) =>
    read === undefined ? [] : [[field, read] as const],
  )
  const atMs = isBroken() ? nowMs + (random.below(2) * 2 - 1) * random.below(60_000) : nowMs
  return { replica, atMs, ...Object.fromEntries(known) }
}

export function randomLlmObservation(
  random: Random,
  { nowMs, replicas, broken }: { readonly nowMs: number; readonly replicas: number; readonly broken: number },
): LlmObservation {
  const ready = random.below(replicas + 1)
  const engines = Array.from({ length: ready }, (_, index) => randomEngine(random, { index, nowMs, broken }))
  return {
    nowMs,
    replicas,
    ready,
    starting: replicas - ready,
    waiting: random.below(3) === 0 ? random.below(30) : 0,
    inFlight: random.below(60),
    engines: random.below(100) < broken ? engines.slice(1) : engines,
  }
}

export function randomLlmMemory(random: Random, nowMs: number): LlmMemory {
  return {
    calmMs: random.below(3) * 10_000,
    calmAtMs: random.below(2) === 0 ? null : nowMs - random.below(5) * 2_000,
    batch: random.below(2) === 0 ? null : 1 + random.below(20),
  }
}
