/**
 * The largest value over the last `size` indexes, as plain data: only values that can still become the
 * largest are kept, newest last and each smaller than the one before it.
 *
 *     recorded 3 7 2 5 1   ->   kept 7 5 1
 *
 * Reference: knative/serving pkg/autoscaler/aggregation/max.
 */
export type MaxWindow = readonly { readonly index: number; readonly value: number }[]

export const emptyMaxWindow: MaxWindow = Object.freeze([])

/** The window with `value` recorded at `index`. Of two values at one index the larger counts. */
export function recordMax(window: MaxWindow, size: number, index: number, value: number): MaxWindow {
  let end = window.length
  while (end > 0 && window[end - 1]!.value <= value) end -= 1
  let start = 0
  while (start < end && index - window[start]!.index >= size) start += 1
  const last = end > start ? window[end - 1] : undefined
  if (last?.index === index) return start === 0 && end === window.length ? window : window.slice(start, end)
  return [...window.slice(start, end), { index, value }]
}

/** The largest value; undefined before the first. */
export function currentMax(window: MaxWindow): number | undefined {
  return window[0]?.value
}

/** Where an instant falls in a window of time: 2 s buckets turn 7,999 ms into 3. */
export function timeIndex(atMs: number, granularityMs: number): number {
  // Whole seconds first, as the reference does.
  return Math.floor(Math.floor(atMs / 1000) / (granularityMs / 1000))
}
