import type { ReplicaTemplate } from '../../core/revision.ts'
import type { ReplicaPorts } from './replica-ports.ts'

/** Where KServe's runtimes look for a model that has no other place. */
export const MODEL_DIR = '/mnt/models'

/** What the placeholders of a template stand for in a pod: every pod has its own network, so ports are as declared. */
export function filler(
  { storage }: Pick<ReplicaTemplate, 'storage'>,
  { port, grpcPort }: ReplicaPorts,
): (text: string) => string {
  const modelDir = storage[0]?.mountPath ?? MODEL_DIR
  return (text) =>
    text
      .replaceAll(/\{\{\s*\.Port\s*\}\}/g, () => String(port))
      .replaceAll(/\{\{\s*\.GrpcPort\s*\}\}/g, (whole) => String(grpcPort ?? whole))
      .replaceAll(/\{\{\s*\.ModelDir\s*\}\}/g, () => modelDir)
}

/** The same value with every text in it filled in. */
export function fillAll(value: unknown, fill: (text: string) => string): unknown {
  if (typeof value === 'string') return fill(value)
  if (Array.isArray(value)) return value.map((item) => fillAll(item, fill))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillAll(inner, fill)]))
}
