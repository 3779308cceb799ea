/**
 * What GPUs and engines say, made numbers: text that somebody else fetched goes in, `Signal`s come out, each a value with
 * its time and source or a named reason why there is none. `readExposition` reads Prometheus' format; `snapshotOf` keeps
 * of a scrape what counts, and `engineSignals` compares two of them; `dcgmContainers` and `smiReplica` say which GPUs a
 * replica has; `scrapeTarget` says where to ask. All of it is pure: time is an argument, and nothing is fetched here.
 */
export { dcgmContainers, dcgmDefaults, dcgmReplica, dcgmSampleNames, type DcgmContainer } from './dcgm.ts'
export {
  absentEngineSignals,
  engineSignals,
  freshEngineSignals,
  type EngineSignals,
} from './engine-signals.ts'
export { snapshotOf, type EngineSnapshot } from './engine-snapshot.ts'
export type { LatencySignals, Scrapes } from './engine-sources.ts'
export { ENGINES, type EngineName } from './engine-spec.ts'
export { engineOf, engineSampleNames, type EngineGuess, type EngineHints } from './engines.ts'
export type { Family, MetricType } from './exposition-metadata.ts'
export type { Exemplar, ExpositionFormat, Labels, Sample } from './exposition-sample.ts'
export {
  ExpositionError,
  ExpositionReader,
  defaultBounds,
  formatOf,
  readExposition,
  type Exposition,
  type ExpositionBounds,
  type ExpositionOptions,
  type ExpositionProblem,
} from './exposition.ts'
export type { GpuUse, ReplicaGpus } from './gpu.ts'
export { increaseOf, mergedHistogram, meanOf, quantileOf, type Histogram } from './histogram.ts'
export { slotSignals, type SlotSignals } from './llama-slots.ts'
export {
  gpusOfSmi,
  processesOfSmi,
  smiGpuArguments,
  smiProcessArguments,
  smiReplica,
  type SmiGpu,
  type SmiProcess,
} from './nvidia-smi.ts'
export { scrapeTarget, urlOf, type ScrapeSource, type ScrapeTarget } from './scrape-target.ts'
export { absent, isPresent, valueOf, type Absent, type AbsentReason, type Signal } from './signal.ts'
export { freshAt } from './staleness.ts'
