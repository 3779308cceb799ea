import type { Probe, ReplicaTemplate } from '../core/revision.ts'
import { fillPlaceholders, placeholderError, type PlaceholderValues } from './placeholders.ts'
import { podFieldNames, type Container, type ContainerProbe } from './schema/kubernetes.ts'

/** Everything about a replica that its container does not say. */
export interface TemplateContext {
  readonly values: PlaceholderValues
  /** The component and the runtime: their pod fields, the later over the earlier. */
  readonly pods: readonly object[]
  /** Containers beside the one that serves. */
  readonly sidecars: readonly Container[]
  readonly baseDir?: string | undefined
  readonly runtime?: ReplicaTemplate['runtime']
  readonly storage: ReplicaTemplate['storage']
  readonly modelName?: string | undefined
  readonly protocol?: string | undefined
}

/** A container and its surroundings as one template; placeholders of the service are filled in. */
export function replicaTemplate(container: Container, context: TemplateContext): ReplicaTemplate {
  const fill = (text: string): string => fillPlaceholders(text, context.values)
  const { image, workingDir, env = [] } = container
  const pod = podFieldsOf(context.pods)
  const grace = pod['terminationGracePeriodSeconds']
  const probe = probeOf(container.readinessProbe, fill)
  const { baseDir, runtime, modelName, protocol } = context
  const rest = restOf(container)
  return {
    ...(runtime === undefined ? {} : { runtime }),
    ...(image === undefined ? {} : { image: fill(image) }),
    command: (container.command ?? []).map(fill),
    args: (container.args ?? []).map(fill),
    env: env.flatMap(({ name, value }) => (value === undefined ? [] : [{ name, value: fill(value) }])),
    ...(workingDir === undefined ? {} : { workingDir: fill(workingDir) }),
    ...(baseDir === undefined ? {} : { baseDir }),
    ports: (container.ports ?? []).map(({ containerPort, name, protocol: layer4, appProtocol }) => ({
      containerPort,
      ...(name === undefined ? {} : { name }),
      ...(layer4 === undefined ? {} : { protocol: layer4 }),
      ...(appProtocol === undefined ? {} : { appProtocol }),
    })),
    ...(probe === undefined ? {} : { readinessProbe: probe }),
    requests: quantities(container.resources?.requests),
    limits: quantities(container.resources?.limits),
    storage: context.storage,
    ...(modelName === undefined ? {} : { modelName }),
    ...(isProtocol(protocol) ? { protocol } : {}),
    ...(typeof grace === 'number' ? { terminationGracePeriodSeconds: grace } : {}),
    podSpec: {
      ...pod,
      ...(rest === undefined && context.sidecars.length === 0
        ? {}
        : { containers: [rest ?? { name: container.name ?? '' }, ...context.sidecars] }),
    },
  }
}

/** The first placeholder that nothing fills, with the field it stands in. */
export function templateError({
  command = [],
  args = [],
  env = [],
  workingDir,
}: Container): string | undefined {
  const texts: (readonly [string, string])[] = [
    ...command.map((text, index) => [`command[${index}]`, text] as const),
    ...args.map((text, index) => [`args[${index}]`, text] as const),
    ...env.map(({ name, value = '' }) => [`env[${name}]`, value] as const),
    ['workingDir', workingDir ?? ''],
  ]
  for (const [field, text] of texts) {
    const error = placeholderError(text)
    if (error !== undefined) return `${field}: ${error}`
  }
  return undefined
}

function podFieldsOf(pods: readonly object[]): Record<string, unknown> {
  return Object.fromEntries(
    pods.flatMap((pod) =>
      Object.entries(pod).filter(([key, value]) => podFieldNames.has(key) && value !== undefined),
    ),
  )
}

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

/** What of the container only Kubernetes can use (mounts, security, values from elsewhere), by its name. */
function restOf(container: Container): Record<string, unknown> | undefined {
  const rest = Object.entries(container).filter(([key, value]) => !templated.has(key) && value !== undefined)
  const fromElsewhere = (container.env ?? []).filter(({ value }) => value === undefined)
  if (rest.length === 0 && fromElsewhere.length === 0) return undefined
  return {
    name: container.name ?? '',
    ...Object.fromEntries(rest),
    ...(fromElsewhere.length === 0 ? {} : { env: fromElsewhere }),
  }
}

function probeOf(probe: ContainerProbe | undefined, fill: (text: string) => string): Probe | undefined {
  if (probe === undefined) return undefined
  const { httpGet, tcpSocket, exec, initialDelaySeconds, timeoutSeconds, successThreshold } = probe
  return {
    ...(httpGet === undefined
      ? {}
      : {
          httpGet: {
            path: fill(httpGet.path ?? '/'),
            ...(httpGet.port === undefined ? {} : { port: httpGet.port }),
            ...(httpGet.scheme === undefined ? {} : { scheme: httpGet.scheme }),
            ...(httpGet.httpHeaders === undefined
              ? {}
              : {
                  httpHeaders: httpGet.httpHeaders.map(({ name, value }) => ({ name, value: fill(value) })),
                }),
          },
        }),
    ...(tcpSocket === undefined
      ? {}
      : { tcpSocket: tcpSocket.port === undefined ? {} : { port: tcpSocket.port } }),
    ...(exec?.command === undefined ? {} : { exec: { command: exec.command.map(fill) } }),
    ...(initialDelaySeconds === undefined ? {} : { initialDelaySeconds }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(successThreshold === undefined ? {} : { successThreshold }),
  }
}

function quantities(given: Readonly<Record<string, string | number>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(given ?? {}).map(([name, value]) => [name, String(value)]))
}

function isProtocol(protocol: string | undefined): protocol is NonNullable<ReplicaTemplate['protocol']> {
  return protocol === 'v1' || protocol === 'v2' || protocol === 'grpc-v1' || protocol === 'grpc-v2'
}
