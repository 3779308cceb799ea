import { isObject } from './fake-merge.ts'
import type { KubeObject } from './kube-object.ts'

/** Label and field selectors as the API server reads them, for the fake one. */
export function selects(
  object: KubeObject,
  selectors: { readonly labelSelector?: string; readonly fieldSelector?: string },
): boolean {
  const labels = object.metadata.labels ?? {}
  return (
    termsOf(selectors.labelSelector).every((term) => hasLabel(labels, term)) &&
    termsOf(selectors.fieldSelector).every((term) => hasField(object, term))
  )
}

/** Splits at the commas that are not within brackets. */
function termsOf(selector: string | undefined): readonly string[] {
  if (selector === undefined || selector === '') return []
  return selector.split(/,(?![^(]*\))/).map((term) => term.trim())
}

function hasLabel(labels: Readonly<Record<string, string>>, term: string): boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(term)
  if (set !== null) {
    const [, name = '', operator, list = ''] = set
    const isIn = list
      .split(',')
      .map((value) => value.trim())
      .includes(labels[name] ?? '\0')
    return operator === 'in' ? isIn : !isIn
  }
  const [, name = '', operator, value = ''] = /^([^=!]+)(!=|==?)(.*)$/.exec(term) ?? []
  if (operator !== undefined) return operator === '!=' ? labels[name] !== value : labels[name] === value
  return term.startsWith('!') ? !(term.slice(1) in labels) : term in labels
}

function hasField(object: KubeObject, term: string): boolean {
  const [, path = '', operator, value = ''] = /^([^=!]+)(!=|==?)(.*)$/.exec(term) ?? []
  let found: unknown = object
  for (const name of path.split('.')) found = isObject(found) ? found[name] : undefined
  const text = typeof found === 'string' ? found : ''
  return operator === '!=' ? text !== value : text === value
}
