/** The engines whose metrics we know. */
export const ENGINES = [
  'vllm',
  'sglang',
  'tgi',
  'triton',
  'tensorrt-llm',
  'torchserve',
  'llama-server',
] as const

export type EngineName = (typeof ENGINES)[number]

/** Samples of one name, made one number. */
export interface Series {
  readonly name: string
  /** Labels that a sample must have to count. */
  readonly where?: Readonly<Record<string, string>>
  /** How the series of several models, ranks or GPUs become one; default `sum`. */
  readonly across?: 'sum' | 'mean'
  /** Labels of processes that each report the same number, as the ranks of one tensor-parallel group: one of them counts. */
  readonly copies?: readonly string[]
  /** A label by which the number is also given in parts: where a series without it is there, only that counts. */
  readonly parts?: string
}

/** Something that is so at the moment. */
export type LevelSource =
  | { readonly kind: 'gauge'; readonly series: Series; readonly scale?: number }
  /** part / sum of whole */
  | { readonly kind: 'ratio'; readonly part: Series; readonly whole: readonly Series[] }
  /**
   * From counters of time spent, by Little's law: 30 s spent within 10 s are 3 at once on average. It counts what has
   * ended, so it comes late.
   */
  | { readonly kind: 'time-spent'; readonly series: readonly Series[]; readonly unitSeconds: number }

/** Something that is counted, per second. */
export type RateSource =
  | { readonly kind: 'counter'; readonly series: Series }
  | { readonly kind: 'gauge'; readonly series: Series }

/** How long something takes, in seconds. */
export type LatencySource =
  | {
      readonly kind: 'histogram'
      /** Without `_bucket`, `_sum`, `_count`. */
      readonly name: string
      readonly where?: Readonly<Record<string, string>>
      readonly unitSeconds?: number
    }
  /** Counters of time and of how often; they give a mean and no quantile. */
  | { readonly kind: 'counters'; readonly time: Series; readonly count: Series; readonly unitSeconds: number }
  /** The means of several histograms added up: the steps that it consists of. */
  | {
      readonly kind: 'steps'
      readonly steps: readonly { readonly name: string; readonly where?: Readonly<Record<string, string>> }[]
    }

/**
 * What one engine exports, as data. Of several sources of a signal the first that is exported counts, so old and new
 * names stand side by side. A name with a colon is also found with `_` in its place, as some exporters write it.
 */
export interface EngineSpec {
  readonly engine: EngineName
  /** As its makers write it. */
  readonly title: string
  /** How its metrics begin, and nobody else's. */
  readonly prefixes: readonly string[]
  /** How runtimes, images and commands name it. */
  readonly words: RegExp
  readonly metrics: {
    readonly port: number
    readonly path: string
    /** The port is for metrics alone; otherwise they are where requests are taken. */
    readonly apart: boolean
  }
  readonly running: readonly LevelSource[]
  readonly runningMax: readonly LevelSource[]
  readonly waiting: readonly LevelSource[]
  readonly kvCache: readonly LevelSource[]
  readonly gpuUtilization: readonly LevelSource[]
  readonly gpuMemory: readonly LevelSource[]
  readonly timeToFirstToken: readonly LatencySource[]
  readonly interToken: readonly LatencySource[]
  readonly queueWait: readonly LatencySource[]
  readonly generatedTokens: readonly RateSource[]
  readonly promptTokens: readonly RateSource[]
  readonly requests: readonly RateSource[]
}

export function gauge(name: string, more: Omit<Series, 'name'> = {}): LevelSource {
  return { kind: 'gauge', series: { name, ...more } }
}

export function percent(name: string, more: Omit<Series, 'name'> = {}): LevelSource {
  return { kind: 'gauge', series: { name, ...more }, scale: 0.01 }
}

export function counter(name: string, more: Omit<Series, 'name'> = {}): RateSource {
  return { kind: 'counter', series: { name, ...more } }
}

export function histogram(name: string, unitSeconds = 1): LatencySource {
  return { kind: 'histogram', name, unitSeconds }
}
