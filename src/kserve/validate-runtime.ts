import { runtimeOf, type Runtime } from './runtimes.ts'
import type { ServingRuntimeManifest, ServingRuntimeSpec } from './schema/serving-runtime.ts'
import { blockedEnvError } from './validate-service.ts'

/**
 * KServe's validating webhook for runtimes: the first thing it would refuse, in its words. `existing` are
 * the runtimes that were there before. Source: pkg/webhook/admission/servingruntime.
 */
export function runtimeError(
  manifest: ServingRuntimeManifest,
  existing: readonly Runtime[],
): string | undefined {
  const runtime = runtimeOf(manifest)
  const { spec, name, kind } = runtime
  const containers = [...spec.containers, ...(spec.workerSpec?.containers ?? [])]
  const blocked = blockedEnvError(kind, name, containers)
  if (blocked !== undefined) return `Forbidden ${blocked}`
  if (spec.disabled === true) return undefined
  const neighbours = existing.filter(
    (other) => other.kind === kind && other.namespace === runtime.namespace && other.spec.disabled !== true,
  )
  const kinds = kind === 'ServingRuntime' ? 'servingruntime' : 'clusterservingruntime'
  for (const other of neighbours) {
    // Inside the loop, as in the original: the first runtime of a namespace is not checked against itself.
    const uneven = unevenFormat(spec)
    if (uneven !== undefined) {
      return `Forbidden different priorities assigned for the model format ${uneven} under the ${kinds} ${name}`
    }
    const clash = other.name === name ? undefined : clashingFormat(other.spec, spec)
    if (clash !== undefined) {
      return `Forbidden same priority assigned for the model format ${clash} in the ${kinds}s ${other.name} and ${name}`
    }
  }
  return undefined
}

/** A format that is auto-selected with two priorities within one runtime. */
function unevenFormat(spec: ServingRuntimeSpec): string | undefined {
  const priorities = new Map<string, number>()
  for (const { name, autoSelect, priority } of spec.supportedModelFormats ?? []) {
    if (autoSelect !== true || priority === undefined) continue
    if ((priorities.get(name) ?? priority) !== priority) return name
    priorities.set(name, priority)
  }
  return undefined
}

/** A format that both runtimes would be selected for with the same priority. */
function clashingFormat(existing: ServingRuntimeSpec, added: ServingRuntimeSpec): string | undefined {
  if ((existing.multiModel ?? false) !== (added.multiModel ?? false)) return undefined
  const shared = (added.protocolVersions ?? []).some((protocol) =>
    existing.protocolVersions?.includes(protocol),
  )
  if (!shared) return undefined
  return (added.supportedModelFormats ?? []).find(
    (format) =>
      format.autoSelect === true &&
      format.priority !== undefined &&
      (existing.supportedModelFormats ?? []).some(
        (other) =>
          other.autoSelect === true &&
          other.priority === format.priority &&
          other.name.toLowerCase() === format.name.toLowerCase() &&
          other.version === format.version,
      ),
  )?.name
}
