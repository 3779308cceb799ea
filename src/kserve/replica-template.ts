import type { ContainerPort, PodMetadata, ReplicaTemplate } from '../core/revision.ts'
import { filled, restOf } from './container-rest.ts'
import { fillPlaceholders, placeholderError, type PlaceholderValues } from './placeholders.ts'
import { probeOf } from './probe.ts'
import { podFieldNames, type Container } from './schema/kubernetes.ts'
import { strategicMerge } from './strategic-merge.ts'

/** Everything about a replica that its container does not say. */
export interface TemplateContext {
  readonly values: PlaceholderValues
  /** The runtime and the component: their pod fields, the later over the earlier. */
  readonly pods: readonly object[]
  /** Containers beside the one that serves. */
  readonly sidecars: readonly Container[]
  readonly baseDir?: string | undefined
  readonly runtime?: ReplicaTemplate['runtime']
  readonly storage: ReplicaTemplate['storage']
  readonly modelName?: string | undefined
  readonly protocol?: string | undefined
  readonly podMetadata?: PodMetadata | undefined
  /** In a pod the name of a container counts, and one called transformer-container takes the requests. */
  readonly inPod: boolean
}

/** A container and its surroundings as one template; placeholders of the service are filled in. */
export function replicaTemplate(container: Container, context: TemplateContext): ReplicaTemplate {
  const fill = (text: string): string => fillPlaceholders(text, context.values)
  const { image, workingDir, env = [] } = container
  const pod = podFieldsOf(context.pods)
  const grace = pod['terminationGracePeriodSeconds']
  const probe = probeOf(container.readinessProbe, fill)
  const { baseDir, runtime, modelName, protocol, podMetadata } = context
  const transformer = context.inPod
    ? context.sidecars.find(({ name }) => name === transformerName)
    : undefined
  const rest = restOf(container, fill, {
    inPod: context.inPod,
    also: transformer === undefined ? [] : ['ports'],
  })
  return {
    ...(runtime === undefined ? {} : { runtime }),
    ...(image === undefined ? {} : { image: fill(image) }),
    command: (container.command ?? []).map(fill),
    args: (container.args ?? []).map(fill),
    env: env.flatMap(({ name, value }) => (value === undefined ? [] : [{ name, value: fill(value) }])),
    ...(workingDir === undefined ? {} : { workingDir: fill(workingDir) }),
    ...(baseDir === undefined ? {} : { baseDir }),
    ports: portsOf(transformer ?? container),
    ...(probe === undefined ? {} : { readinessProbe: probe }),
    requests: quantities(container.resources?.requests),
    limits: quantities(container.resources?.limits),
    storage: context.storage,
    ...(modelName === undefined ? {} : { modelName }),
    ...(isProtocol(protocol) ? { protocol } : {}),
    ...(typeof grace === 'number' ? { terminationGracePeriodSeconds: grace } : {}),
    ...(podMetadata === undefined ? {} : { podMetadata }),
    podSpec: {
      ...pod,
      ...(rest === undefined && context.sidecars.length === 0
        ? {}
        : {
            containers: [
              rest ?? { name: container.name ?? '' },
              ...context.sidecars.map((sidecar) => filled(sidecar, fill)),
            ],
          }),
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

/** A container beside the predictor's that takes its requests, in KServe's words a collocated transformer. */
const transformerName = 'transformer-container'

function portsOf({ ports = [] }: Container): ContainerPort[] {
  return ports.map(({ containerPort, name, protocol, appProtocol, hostPort, hostIP }) => ({
    containerPort,
    ...(name === undefined ? {} : { name }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(appProtocol === undefined ? {} : { appProtocol }),
    ...(hostPort === undefined ? {} : { hostPort }),
    ...(hostIP === undefined ? {} : { hostIP }),
  }))
}

function podFieldsOf(pods: readonly object[]): Record<string, unknown> {
  return pods
    .map((pod) => Object.fromEntries(Object.entries(pod).filter(([key]) => podFieldNames.has(key))))
    .reduce((merged, pod) => strategicMerge(merged, pod), {})
}

function quantities(given: Readonly<Record<string, string | number>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(given ?? {}).map(([name, value]) => [name, String(value)]))
}

function isProtocol(protocol: string | undefined): protocol is NonNullable<ReplicaTemplate['protocol']> {
  return protocol === 'v1' || protocol === 'v2' || protocol === 'grpc-v1' || protocol === 'grpc-v2'
}
