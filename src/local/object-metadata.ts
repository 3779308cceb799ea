import { z } from 'zod'
import { contentHash, type ManifestDocument, type ObjectKey } from './documents.ts'

/** What Kubernetes keeps of an object beside what its owner wrote. */
export interface ObjectMetadata {
  readonly createdAtMs: number
  /** From 1; one more with each change of `spec`. */
  readonly generation: number
}

export interface KeptMetadata extends ObjectMetadata {
  readonly specHash: string
}

/** By object key. */
export type MetadataTable = Readonly<Record<string, KeptMetadata>>

export const metadataSchema: z.ZodType<MetadataTable> = z.record(
  z.string(),
  z.strictObject({ createdAtMs: z.number(), generation: z.int().min(1), specHash: z.string() }),
)

/** The table for these objects. One that is gone is forgotten: made again, it is another one. */
export function nextMetadata(
  before: MetadataTable,
  documents: readonly ManifestDocument[],
  nowMs: number,
): MetadataTable {
  const entries = documents.map(({ key, value }): [ObjectKey, KeptMetadata] => {
    const kept = Object.hasOwn(before, key) ? before[key] : undefined
    const specHash = contentHash(value['spec'] ?? null)
    if (kept === undefined) return [key, { createdAtMs: nowMs, generation: 1, specHash }]
    if (kept.specHash === specHash) return [key, kept]
    return [key, { createdAtMs: kept.createdAtMs, generation: kept.generation + 1, specHash }]
  })
  return Object.fromEntries(entries)
}
