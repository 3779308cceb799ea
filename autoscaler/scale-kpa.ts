import { currentMax, emptyMaxWindow, recordMax, timeIndex, type MaxWindow } from './max-window.ts'
import type { Target } from './target.ts'

/**
 * Knative's scale decision, exactly, before bounds and scale to zero: a function of its arguments.
 * Reference: knative/serving pkg/autoscaler/scaling/autoscaler.go `Scale`.
 */

/** The part of a policy that this arithmetic reads; Knative's DeciderSpec. */
export interface KpaSettings extends Target {
  /** Also how long panic lasts after the last time that the threshold was crossed. */
  readonly stableWindowMs: number
  /** Panic begins when the panic window wants this many times the ready replicas: 2 for 200 %. */
  readonly panicThreshold: number
  readonly maxScaleUpRate: number
  readonly maxScaleDownRate: number
  /** Room to keep free, in requests; -1 = unlimited. It only enters excessBurstCapacity. */
  readonly targetBurstCapacity: number
  /** 0 = none. */
  readonly scaleDownDelayMs: number
  /** The smallest number of replicas that is not zero; 0 or 1 = none. */
  readonly activationScale: number
}

export interface KpaObservation {
  readonly nowMs: number
  /** Ready replicas. */
  readonly ready: number
  /** Totals over the revision, averaged over each window. */
  readonly stable: number
  readonly panic: number
  /** Requests can reach the revision; when not, it may shrink at any rate and without delay. */
  readonly reachable: boolean
}

/** What one decision leaves for the next. Plain data. */
export interface KpaMemory {
  /** The last time the threshold was crossed; null when not in panic. */
  readonly panicSinceMs: number | null
  /** The most replicas that were wanted in this panic. */
  readonly maxPanicReplicas: number
  /** What was wanted within the scale-down delay. */
  readonly delay: MaxWindow
}

export interface KpaResult {
  readonly replicas: number
  readonly excessBurstCapacity: number
  readonly limits: readonly string[]
  readonly memory: KpaMemory
  /** What each window asks for, before any limit, and whose number counts. */
  readonly wanted: { readonly stable: number; readonly panic: number; readonly leading: 'stable' | 'panic' }
}

/** Knative decides every 2 s; its sliding maximum has buckets of that length. */
export const DELAY_GRANULARITY_MS = 2_000
const INT32_MAX = 2 ** 31 - 1

/**
 * Where a revision starts. With more than one ready replica it starts in panic: its windows are empty, so for
 * one stable window nothing may shrink on what they say.
 */
export function initialKpaMemory(ready: number, nowMs: number): KpaMemory {
  return { panicSinceMs: ready > 1 ? nowMs : null, maxPanicReplicas: ready, delay: emptyMaxWindow }
}

/** Example: 4 ready, target 7, stable 20, panic 60: 9 are wanted, over 2 x 4, so panic, and 9 it is. */
export function scaleKpa(settings: KpaSettings, observation: KpaObservation, memory: KpaMemory): KpaResult {
  const { nowMs, ready, reachable } = observation
  const wantedNow = Math.max(1, ready)
  const byStable = wanted(observation.stable, settings, wantedNow, reachable)
  const byPanic = wanted(observation.panic, settings, wantedNow, reachable)

  const panicSinceMs = panicSince(settings, nowMs, memory, byPanic.raw / wantedNow)
  const isPanic = panicSinceMs !== null
  const leading = isPanic && byPanic.replicas > byStable.replicas ? byPanic : byStable
  const limits = [...leading.limits]
  let { replicas } = leading
  // Leaving panic forgets its maximum; before any panic it is the number of replicas at the start.
  let maxPanicReplicas = memory.panicSinceMs !== null && !isPanic ? 0 : memory.maxPanicReplicas
  if (isPanic) {
    if (replicas < maxPanicReplicas) limits.push('held by panic')
    maxPanicReplicas = Math.max(maxPanicReplicas, replicas)
    replicas = maxPanicReplicas
  }

  const delay = delayed(settings, observation, memory.delay, replicas)
  const highest = reachable ? currentMax(delay) : undefined
  if (highest !== undefined && highest > replicas) {
    limits.push(`scale-down delay: ${highest} was wanted within ${settings.scaleDownDelayMs / 1000} s`)
    replicas = highest
  }
  return {
    replicas,
    excessBurstCapacity: excessBurstCapacity(settings, ready, observation.panic),
    limits,
    memory: { panicSinceMs, maxPanicReplicas, delay },
    wanted: {
      stable: byStable.raw,
      panic: byPanic.raw,
      leading: leading === byPanic ? 'panic' : 'stable',
    },
  }
}

interface Wanted {
  /** Before any limit. */
  readonly raw: number
  readonly replicas: number
  readonly limits: readonly string[]
}

/** What one window asks for, within the rates and the activation scale. */
function wanted(value: number, settings: KpaSettings, ready: number, reachable: boolean): Wanted {
  const { target, maxScaleUpRate, maxScaleDownRate, activationScale } = settings
  const limits: string[] = []
  const most = Math.min(Math.ceil(maxScaleUpRate * ready), INT32_MAX)
  const least = reachable ? Math.floor(ready / maxScaleDownRate) : 0
  const raw = Math.ceil(value / target)
  let replicas = raw
  if (replicas < least) {
    limits.push(`scale-down rate ${maxScaleDownRate}x: not below ${least}`)
    replicas = least
  }
  if (replicas > most) {
    limits.push(`scale-up rate ${maxScaleUpRate}x: not above ${most}`)
    replicas = most
  }
  // After the rates, so that it may exceed them; a demand of nothing stays nothing.
  if (activationScale > 1 && raw > 0 && replicas < activationScale) {
    limits.push(`activation scale ${activationScale}`)
    replicas = activationScale
  }
  return { raw, replicas, limits }
}

/** Panic begins, and goes on, when the threshold is crossed; it ends one stable window after the last time. */
function panicSince(
  { panicThreshold, stableWindowMs }: KpaSettings,
  nowMs: number,
  { panicSinceMs }: KpaMemory,
  growth: number,
): number | null {
  if (growth >= panicThreshold) return nowMs
  if (panicSinceMs !== null && panicSinceMs + stableWindowMs < nowMs) return null
  return panicSinceMs
}

/**
 * The sliding maximum with this decision in it. Its length is that of the delay now: a changed delay takes
 * effect at the next decision (in the reference only after a restart). Without a delay nothing is kept.
 */
function delayed(
  { scaleDownDelayMs }: KpaSettings,
  { nowMs, reachable }: KpaObservation,
  delay: MaxWindow,
  replicas: number,
): MaxWindow {
  if (scaleDownDelayMs <= 0) return emptyMaxWindow
  if (!reachable) return delay
  const size = Math.ceil(scaleDownDelayMs / DELAY_GRANULARITY_MS)
  return recordMax(delay, size, timeIndex(nowMs, DELAY_GRANULARITY_MS), replicas)
}

/** Room left beyond the burst to be ready for: 3 ready of 100 each, 211 to keep free, 50 under way: 39. */
function excessBurstCapacity(
  { targetBurstCapacity, total }: KpaSettings,
  ready: number,
  panic: number,
): number {
  if (targetBurstCapacity === 0) return 0
  if (targetBurstCapacity < 0) return -1
  return Math.floor(ready * total - targetBurstCapacity - panic)
}
