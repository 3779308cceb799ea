import { isDeepStrictEqual } from 'node:util'

/** JSON merge patch and a plain reading of server-side apply, for the fake API server. */

export type Json = { readonly [field: string]: unknown }

/** RFC 7386: null removes, objects are merged, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field]
    else merged[field] = mergePatch(merged[field], value)
  }
  return merged
}

/** The key of the items in lists that Kubernetes merges; every other list is replaced whole. */
const LIST_KEYS: Readonly<Record<string, string>> = {
  ownerReferences: 'uid',
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  env: 'name',
  volumeMounts: 'mountPath',
  imagePullSecrets: 'name',
}

/**
 * What an object becomes when `applied` is applied to it by somebody who applied `before` last: what was given then and
 * is not given now goes, what is given now stands, what others gave stays.
 */
export function applied(live: unknown, before: unknown, now: unknown, field = ''): unknown {
  if (isObject(now)) {
    const merged: Record<string, unknown> = isObject(live) ? { ...live } : {}
    const gone = isObject(before) ? Object.keys(before).filter((name) => !(name in now)) : []
    for (const name of gone) {
      const left = without(merged[name], isObject(before) ? before[name] : undefined, name)
      if (left === undefined) delete merged[name]
      else merged[name] = left
    }
    for (const [name, value] of Object.entries(now)) {
      if (value === null) delete merged[name]
      else merged[name] = applied(merged[name], isObject(before) ? before[name] : undefined, value, name)
    }
    return merged
  }
  const key = LIST_KEYS[field]
  if (!Array.isArray(now) || key === undefined) return now
  const [liveItems, beforeItems, nowItems] = [live, before, now].map((list) => itemsBy(list, key))
  const merged = new Map(liveItems)
  for (const id of beforeItems?.keys() ?? []) if (nowItems?.has(id) !== true) merged.delete(id)
  for (const [id, item] of nowItems ?? [])
    merged.set(id, applied(merged.get(id), beforeItems?.get(id), item, ''))
  return [...merged.values()]
}

/** What is left of a value once everything that `mine` gave is taken out; undefined for nothing. */
function without(value: unknown, mine: unknown, field: string): unknown {
  if (isObject(value) && isObject(mine)) {
    const left: Record<string, unknown> = { ...value }
    for (const [name, given] of Object.entries(mine)) {
      const rest = without(left[name], given, name)
      if (rest === undefined) delete left[name]
      else left[name] = rest
    }
    return Object.keys(left).length === 0 ? undefined : left
  }
  const key = LIST_KEYS[field]
  if (Array.isArray(value) && key !== undefined) {
    const taken = itemsBy(mine, key)
    const left = [...itemsBy(value, key)].filter(([id]) => !taken.has(id)).map(([, item]) => item)
    return left.length === 0 ? undefined : left
  }
  return undefined
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isEqual(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b)
}

function itemsBy(list: unknown, key: string): Map<unknown, unknown> {
  const items: readonly unknown[] = Array.isArray(list) ? list : []
  return new Map(items.map((item) => [isObject(item) ? item[key] : item, item]))
}
