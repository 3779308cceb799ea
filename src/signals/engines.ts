import { ENGINES, type EngineName, type EngineSpec, type LatencySource } from './engine-spec.ts'
import type { LevelSource, RateSource, Series } from './engine-spec.ts'
import { llamaServer } from './engines/llama-server.ts'
import { sglang } from './engines/sglang.ts'
import { tensorrtLlm } from './engines/tensorrt-llm.ts'
import { tgi } from './engines/tgi.ts'
import { torchserve } from './engines/torchserve.ts'
import { triton } from './engines/triton.ts'
import { vllm } from './engines/vllm.ts'

/** Those that run others inside come first: an image of Triton with vLLM in its name is Triton. */
const specs: readonly EngineSpec[] = [triton, torchserve, sglang, tgi, llamaServer, tensorrtLlm, vllm]

const byName = new Map(specs.map((spec) => [spec.engine, spec]))

export function engineSpec(engine: EngineName): EngineSpec {
  const spec = byName.get(engine)
  if (spec === undefined) throw new RangeError(`engine is ${engine}; ${ENGINES.join(', ')} are allowed`)
  return spec
}

/** Keys in which an engine is named outright: ours, then llm-d's and that of the inference gateway. */
const KEYS = ['pilotlight.dev/engine', 'llm-d.ai/engine-type', 'inference.networking.k8s.io/engine-type']

/** How others write the names. */
const ALIASES: Readonly<Record<string, EngineName>> = {
  trtllm: 'tensorrt-llm',
  'trtllm-serve': 'tensorrt-llm',
  'triton-tensorrt-llm': 'triton',
  'text-generation-inference': 'tgi',
  'llama.cpp': 'llama-server',
  llamacpp: 'llama-server',
}

/** What is known of a replica without asking it. */
export interface EngineHints {
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  /** Name of the ServingRuntime. */
  readonly runtime?: string
  readonly image?: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
}

export type EngineGuess =
  | { readonly engine: EngineName; readonly by: string }
  /** A key names an engine that there is none of. */
  | { readonly problem: string }

/**
 * Which engine a replica runs, by what its manifest says: a key that names it, else its runtime, its image or how its
 * command begins. undefined: nothing says it, and its metrics have to.
 */
export function engineOf(hints: EngineHints): EngineGuess | undefined {
  for (const key of KEYS) {
    const value = hints.annotations?.[key] ?? hints.labels?.[key]
    if (value === undefined) continue
    const engine = ALIASES[value] ?? ENGINES.find((known) => known === value)
    if (engine !== undefined) return { engine, by: key }
    return { problem: `${key} is ${JSON.stringify(value)}; ${ENGINES.join(', ')} are allowed` }
  }
  // Of the command only the beginning: behind it stand names of models, which may hold any word.
  const begun = [...(hints.command ?? []), ...(hints.args ?? [])].slice(0, 3).join(' ')
  const said = Object.entries({ runtime: hints.runtime, image: hints.image, command: begun })
  for (const [by, text] of said) {
    const spec = text === undefined ? undefined : specs.find(({ words }) => words.test(text))
    if (spec !== undefined) return { engine: spec.engine, by }
  }
  return undefined
}

/** Which engine exports these names, the one that was expected if it is among them. */
export function engineOfNames(names: Iterable<string>, expected?: EngineName): EngineName | undefined {
  const found = new Set<EngineName>()
  for (const name of names) {
    for (const { engine, prefixes } of specs) {
      if (prefixes.some((prefix) => name.startsWith(prefix))) found.add(engine)
    }
  }
  if (expected !== undefined && found.has(expected)) return expected
  return specs.find(({ engine }) => found.has(engine))?.engine
}

/** A name as it is written, and with `_` for its colon. */
export function spellings(name: string): readonly string[] {
  return name.includes(':') ? [name, name.replace(':', '_')] : [name]
}

/** What is taken out of a scrape for one engine. */
export interface EnginePlan {
  readonly series: ReadonlyMap<string, Series>
  readonly histograms: ReadonlyMap<string, HistogramRef>
}

export interface HistogramRef {
  readonly name: string
  readonly where?: Readonly<Record<string, string>>
  readonly unitSeconds?: number
}

/** What a series is called in a snapshot: `nv_trt_llm_request_metrics{request_type="max"}`. */
export function keyOf({ name, where = {} }: HistogramRef | Series): string {
  const labels = Object.entries(where).map(([label, value]) => `${label}="${value}"`)
  return labels.length === 0 ? name : `${name}{${labels.join(',')}}`
}

function seriesOf(source: LevelSource | RateSource | LatencySource): readonly Series[] {
  if (source.kind === 'gauge' || source.kind === 'counter') return [source.series]
  if (source.kind === 'ratio') return [source.part, ...source.whole]
  if (source.kind === 'time-spent') return source.series
  return source.kind === 'counters' ? [source.time, source.count] : []
}

function histogramsOf(source: LatencySource): readonly HistogramRef[] {
  if (source.kind === 'histogram') return [source]
  return source.kind === 'steps' ? source.steps : []
}

function planOf(spec: EngineSpec): EnginePlan {
  const latencies = [...spec.timeToFirstToken, ...spec.interToken, ...spec.queueWait]
  const levels = [
    spec.running,
    spec.runningMax,
    spec.waiting,
    spec.kvCache,
    spec.gpuUtilization,
    spec.gpuMemory,
  ]
  const rates = [...spec.generatedTokens, ...spec.promptTokens, ...spec.requests]
  const series = [...levels.flat(), ...rates, ...latencies].flatMap(seriesOf)
  return {
    series: new Map(series.map((one) => [keyOf(one), one])),
    histograms: new Map(latencies.flatMap(histogramsOf).map((one) => [keyOf(one), one])),
  }
}

const plans = new Map(specs.map((spec) => [spec.engine, planOf(spec)]))

export function enginePlan(engine: EngineName): EnginePlan {
  return plans.get(engine) ?? planOf(engineSpec(engine))
}

/** The names of samples that any engine's signals are made of: what a scrape is read for. */
export const engineSampleNames: ReadonlySet<string> = new Set(
  [...plans.values()].flatMap(({ series, histograms }) => [
    ...[...series.values()].flatMap(({ name }) => spellings(name)),
    ...[...histograms.values()].flatMap(({ name }) =>
      spellings(name).flatMap((spelt) => [`${spelt}_bucket`, `${spelt}_sum`, `${spelt}_count`]),
    ),
  ]),
)
