import { z } from 'zod'
import { currentMax, emptyMaxWindow, recordMax, timeIndex } from '../../autoscaler/max-window.ts'
import { smoothingCoefficient, WeightedWindow } from '../../autoscaler/weighted-window.ts'
import { windowOf, type Window } from '../../autoscaler/window.ts'
import { difference, first } from './compare.ts'
import { vectorKind } from './vector-kind.ts'

/** Vectors count from an instant divisible by 60 s; this is one, and keeps every time positive. */
const ORIGIN_MS = 1_700_000_040_000

const windowOp = z.discriminatedUnion('op', [
  z.object({ op: z.literal('record'), t_ms: z.number(), value: z.number() }),
  z.object({ op: z.literal('average'), t_ms: z.number(), want: z.number() }),
  z.object({ op: z.literal('is_empty'), t_ms: z.number(), want: z.boolean() }),
  z.object({
    op: z.literal('resize'),
    window_ms: z.number(),
    now_ms: z.number(),
    want_num_buckets: z.number(),
  }),
  z.object({
    op: z.literal('buckets'),
    t_ms: z.number(),
    want: z.array(z.object({ t_ms: z.number(), value: z.number() })).nullable(),
    want_sum: z.number(),
  }),
])

const windowCase = z.object({
  algorithm: z.enum(['linear', 'weighted-exponential']),
  window_ms: z.number(),
  granularity_ms: z.number(),
  smoothing_coeff: z.number().optional(),
  ops: z.array(windowOp),
})

export const aggregationWindows = vectorKind('aggregation_windows', windowCase, (vector) => {
  const { algorithm, window_ms, granularity_ms, smoothing_coeff, ops } = vector
  const window = windowOf(algorithm, window_ms, granularity_ms)
  if (smoothing_coeff !== undefined) {
    const actual = window instanceof WeightedWindow ? window.coefficient : undefined
    const found = difference('smoothing_coeff', actual, smoothing_coeff, { relative: 1e-9 })
    if (found !== undefined) return found
  }
  // The reference rounds linear averages; weighted ones are compared within a relative tolerance.
  const tolerance = algorithm === 'linear' ? { absolute: 1e-9 } : { relative: 1e-9, absolute: 1e-12 }
  for (const [index, op] of ops.entries()) {
    const found = applyWindowOp(`ops[${index}] ${op.op}`, window, op, tolerance)
    if (found !== undefined) return found
  }
  return undefined
})

function applyWindowOp(
  label: string,
  window: Window,
  op: z.infer<typeof windowOp>,
  tolerance: object,
): string | undefined {
  switch (op.op) {
    case 'record':
      window.record(ORIGIN_MS + op.t_ms, op.value)
      return undefined
    case 'average':
      return difference(label, window.average(ORIGIN_MS + op.t_ms), op.want, tolerance)
    case 'is_empty':
      return difference(label, window.isEmpty(ORIGIN_MS + op.t_ms), op.want)
    case 'resize': {
      window.resize(op.window_ms, ORIGIN_MS + op.now_ms)
      return difference(label, window.ring.size, op.want_num_buckets)
    }
    default: {
      const buckets = window.ring.buckets(ORIGIN_MS + op.t_ms)
      const view = buckets.map(({ atMs, value }) => ({ t_ms: atMs - ORIGIN_MS, value }))
      const sum = buckets.reduce((total, { value }) => total + value, 0)
      return first([
        difference(label, view, op.want ?? []),
        difference(label, sum, op.want_sum, { absolute: 1e-9 }),
      ])
    }
  }
}

export const smoothingCoefficients = vectorKind(
  'smoothing_coefficient',
  z.object({ num_buckets: z.number(), want: z.number() }),
  ({ num_buckets, want }) =>
    difference('smoothing coefficient', smoothingCoefficient(num_buckets), want, { relative: 1e-12 }),
)

const maxCase = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('indexed'),
    size: z.number(),
    indexes: z.array(z.number()),
    values: z.array(z.number()),
    want_current: z.array(z.number()),
  }),
  z.object({
    kind: z.literal('timed'),
    duration_ms: z.number(),
    granularity_ms: z.number(),
    records: z.array(z.object({ t_ms: z.number(), value: z.number() })),
    want: z.number(),
  }),
])

export const maxWindows = vectorKind('max_window', maxCase, (max) => {
  let window = emptyMaxWindow
  if (max.kind === 'indexed') {
    const current = max.indexes.map((index, i) => {
      window = recordMax(window, max.size, index, max.values[i]!)
      return currentMax(window)
    })
    return difference('current', current, max.want_current)
  }
  const size = Math.ceil(max.duration_ms / max.granularity_ms)
  for (const { t_ms, value } of max.records) {
    window = recordMax(window, size, timeIndex(ORIGIN_MS + t_ms, max.granularity_ms), value)
  }
  return difference('current', currentMax(window), max.want)
})
