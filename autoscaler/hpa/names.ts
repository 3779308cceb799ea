import { invalid, required, type Cause } from './cause.ts'

/** Names as Kubernetes checks them. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const SUBDOMAIN = String.raw`${LABEL}(\.${LABEL})*`
const PART = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'

/** Resources that containers can ask for. */
const OF_CONTAINERS = new Set(['cpu', 'memory', 'ephemeral-storage'])
/** Further ones without a domain, which quotas count. */
const STANDARD = new Set([
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'requests.storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'storage',
  'pods',
  'services',
  'services.loadbalancers',
  'services.nodeports',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
])

export function subdomainCauses(field: string, value: string): Cause[] {
  const rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must " +
    'start and end with an alphanumeric character ' +
    `(e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`
  return [
    ...tooLong(field, value, 253),
    ...(new RegExp(`^${SUBDOMAIN}$`).test(value) ? [] : [invalid(field, value, rule)]),
  ]
}

export function labelCauses(field: string, value: string): Cause[] {
  const rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and " +
    'end with an alphanumeric character ' +
    `(e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`
  return [
    ...tooLong(field, value, 63),
    ...(new RegExp(`^${LABEL}$`).test(value) ? [] : [invalid(field, value, rule)]),
  ]
}

function tooLong(field: string, value: string, max: number): Cause[] {
  return value.length > max ? [invalid(field, value, `must be no more than ${max} bytes`)] : []
}

/** What becomes a part of a path: no `/`, no `%`, not `.` or `..`. */
export function segmentCauses(field: string, value: string): Cause[] {
  if (value === '.' || value === '..') return [invalid(field, value, `may not be '${value}'`)]
  return ['/', '%']
    .filter((part) => value.includes(part))
    .map((part) => invalid(field, value, `may not contain '${part}'`))
}

/** `apps/v1`, `v1` or nothing. */
export function apiVersionCauses(
  field: string,
  value: string,
  { needsGroup }: { readonly needsGroup: boolean },
): Cause[] {
  const parts = value === '' || value === '/' ? [] : value.split('/')
  if (parts.length > 2) return [invalid(field, value, `unexpected GroupVersion string: ${value}`)]
  const group = parts.length === 2 ? parts[0] : ''
  return needsGroup && group === '' ? [invalid(field, value, 'apiVersion must specify API group')] : []
}

/** A resource that a container can ask for: a standard one, or one with a domain, such as `nvidia.com/gpu`. */
export function containerResourceCauses(field: string, value: string): Cause[] {
  const unqualified = qualifiedNameCauses(field, value)
  const invalidIf = (isWrong: boolean, rule: string): Cause[] =>
    isWrong ? [invalid(field, value, rule)] : []
  if (value.includes('/')) {
    const isOwn = value.includes('kubernetes.io/')
    const isExtended = unqualified.length === 0 && !value.startsWith('requests.')
    const rule = "doesn't follow extended resource name standard"
    return [...unqualified, ...invalidIf(!isOwn && !isExtended, rule)]
  }
  const isOfContainers = OF_CONTAINERS.has(value) || value.startsWith('hugepages-')
  const isStandard = isOfContainers || STANDARD.has(value) || value.startsWith('requests.hugepages-')
  const isNamed = unqualified.length === 0
  return [
    ...unqualified,
    ...invalidIf(isNamed && !isStandard, 'must be a standard resource type or fully qualified'),
    ...invalidIf(!isOfContainers, 'must be a standard resource for containers'),
  ]
}

/** A name, with a domain and a slash before it or without. */
function qualifiedNameCauses(field: string, value: string): Cause[] {
  const parts = value.split('/')
  const name = parts.at(-1) ?? ''
  const rule =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
    `'${PART}')`
  const isPrefixed = parts.length === 2
  const isPrefixWrong = isPrefixed && !new RegExp(`^${SUBDOMAIN}$`).test(parts[0] ?? '')
  return [
    ...(parts.length > 2 ? [invalid(field, value, 'a qualified name has one slash at most')] : []),
    ...(isPrefixWrong ? [invalid(field, value, 'prefix part must be a lowercase RFC 1123 subdomain')] : []),
    ...(new RegExp(`^${PART}$`).test(name) ? [] : [invalid(field, value, rule)]),
  ]
}

/** What an HPA refers to: its target, or the object of a metric. */
export function referenceCauses(
  field: string,
  ref: { readonly apiVersion: string; readonly kind: string; readonly name: string },
  { needsGroup }: { readonly needsGroup: boolean },
): Cause[] {
  const segment = (name: 'kind' | 'name'): Cause[] =>
    ref[name] === '' ? [required(`${field}.${name}`)] : segmentCauses(`${field}.${name}`, ref[name])
  // Of the kinds without a group only this one can be scaled.
  const isGrouped = needsGroup && ref.kind !== 'ReplicationController'
  return [
    ...segment('kind'),
    ...segment('name'),
    ...apiVersionCauses(`${field}.apiVersion`, ref.apiVersion, { needsGroup: isGrouped }),
  ]
}
