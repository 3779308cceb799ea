/**
 * KServe's manifests, read and judged: text in, values out. `parseDocuments` reads YAML, `toDesired` makes of
 * it what is to be served, `explainDocuments` says what becomes of each document, in our words or, in strict
 * mode, in KServe's, and `reconcileService` follows a service from revision to revision.
 */
export { catalogue } from './catalogue.ts'
export { toDesired, type DesiredResult } from './desired.ts'
export type { DesiredOptions } from './desired-service.ts'
export { parseDocuments, type ManifestDocument, type ParseOptions, type YamlProblem } from './documents.ts'
export { explainDocuments, type ExplainOptions, type ManifestFile } from './explain.ts'
export { explainColumns, type ExplainColumns, type ExplainRow, type ScalingFunctions } from './explain-row.ts'
export type { Runtime } from './runtimes.ts'
export * from './history.ts'
export * from './observation.ts'
export { podMetadataOf } from './pod-metadata.ts'
export * from './reconcile.ts'
export * from './rollout.ts'
export type { KeptService, ServiceStore } from './service-store.ts'
export * from './status.ts'
export { strategicMerge } from './strategic-merge.ts'
export * from './urls.ts'
export { changeRefusal } from './validate-update.ts'
export { quantityOf } from './quantity.ts'
