import { isObject } from './unknown-fields.ts'

/**
 * A strategic merge patch, as far as pods and containers need it: maps are merged, lists whose items have a key are
 * merged by it, everything else is replaced. An item of such a list is replaced as a whole, so that a volume or a variable
 * never has two sources; containers are merged. Source: the patchMergeKey tags of Kubernetes' core/v1.
 */
export function strategicMerge(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base }
  for (const [field, value] of Object.entries(over)) {
    if (value !== undefined) merged[field] = mergeValue(field, merged[field], value)
  }
  return merged
}

const listKeys: ReadonlyMap<string, string> = new Map([
  ['containers', 'name'],
  ['initContainers', 'name'],
  ['volumes', 'name'],
  ['imagePullSecrets', 'name'],
  ['resourceClaims', 'name'],
  ['claims', 'name'],
  ['hostAliases', 'ip'],
  ['topologySpreadConstraints', 'topologyKey'],
  ['env', 'name'],
  ['ports', 'containerPort'],
  ['volumeMounts', 'mountPath'],
  ['volumeDevices', 'devicePath'],
])

function mergeValue(field: string, base: unknown, over: unknown): unknown {
  if (isObject(base) && isObject(over)) return strategicMerge(base, over)
  const key = listKeys.get(field)
  if (key === undefined || !Array.isArray(base) || !Array.isArray(over)) return over
  return mergeLists(base, over, key, field === 'containers' || field === 'initContainers')
}

function mergeLists(
  base: readonly unknown[],
  over: readonly unknown[],
  key: string,
  deep: boolean,
): unknown[] {
  const merged = new Map<unknown, unknown>()
  for (const item of [...base, ...over]) {
    // An item without its key is like no other.
    const id = isObject(item) ? (item[key] ?? item) : item
    const before = merged.get(id)
    merged.set(id, deep && isObject(before) && isObject(item) ? strategicMerge(before, item) : item)
  }
  return [...merged.values()]
}
