import type { Container } from './schema/kubernetes.ts'
import { isObject } from './unknown-fields.ts'

/** What a replica template says of a container by itself. */
const templated: ReadonlySet<string> = new Set([
  'name',
  'image',
  'command',
  'args',
  'env',
  'workingDir',
  'ports',
  'resources',
  'readinessProbe',
])

/** What a container is called where nothing says so. */
const usualName = 'kserve-container'

/**
 * What of the container only Kubernetes can use (mounts, security, values from elsewhere), by its name; undefined if that
 * is nothing. One variable with a value from elsewhere brings all of them along: their order counts, since one may refer
 * to those before it.
 */
export function restOf(
  container: Container,
  fill: (text: string) => string,
  options: {
    /** A process of this machine has no use for a container's name: another name is no other revision. */
    readonly inPod: boolean
    /** Fields that are kept although a template has them, because it says them of another container. */
    readonly also: readonly (keyof Container)[]
  },
): Record<string, unknown> | undefined {
  const { name = '', env = [], resources } = container
  const rest = Object.entries(container).filter(
    ([key, value]) =>
      value !== undefined && (!templated.has(key) || options.also.some((field) => field === key)),
  )
  const isFromElsewhere = env.some(({ value }) => value === undefined)
  const claims = resources?.claims
  const hasOwnName = options.inPod && name !== '' && name !== usualName
  if (rest.length === 0 && !isFromElsewhere && claims === undefined && !hasOwnName) return undefined
  return {
    name,
    ...filled(Object.fromEntries(rest), fill),
    ...(claims === undefined ? {} : { resources: { claims } }),
    ...(isFromElsewhere ? { env: env.map((variable) => filled(variable, fill)) } : {}),
  }
}

/** The same with the placeholders of every text in it filled in, as KServe does with the whole of a container. */
export function filled(
  container: Readonly<Record<string, unknown>>,
  fill: (text: string) => string,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(container).map(([key, value]) => [key, fillValue(value, fill)]))
}

function fillValue(value: unknown, fill: (text: string) => string): unknown {
  if (typeof value === 'string') return fill(value)
  if (Array.isArray(value)) return value.map((item) => fillValue(item, fill))
  return isObject(value) ? filled(value, fill) : value
}
