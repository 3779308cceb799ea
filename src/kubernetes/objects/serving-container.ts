import type { ContainerPort, EnvVar, ReplicaTemplate } from '../../core/revision.ts'
import { fieldsIn, isFields, textIn, type Fields } from './json.ts'
import { fillAll } from './placeholders.ts'
import { completeProbe, defaultReadiness } from './probes.ts'
import type { ReplicaPorts } from './replica-ports.ts'

/** What the container of a model is called where the manifest does not say, and what KServe looks for. */
export const SERVING_CONTAINER = 'kserve-container'
/** A container beside it that takes its requests. */
export const TRANSFORMER_CONTAINER = 'transformer-container'

/** What all containers of a pod are made with. */
export interface ContainerContext {
  readonly serviceName: string
  readonly ports: ReplicaPorts
  readonly fill: (text: string) => string
}

/** The container that serves: what the template says of it, and what of it only Kubernetes can use. */
export function servingContainer(template: ReplicaTemplate, context: ContainerContext): Fields {
  const { fill, ports } = context
  const [rest = {}, ...others] = fieldsIn(template.podSpec['containers'])
  const takesRequests = !others.some((other) => textIn(other, 'name') === TRANSFORMER_CONTAINER)
  const { name, env, resources, ports: ownPorts, ...more } = rest
  const declared = takesRequests ? requestPorts(template, ports) : fieldsIn(ownPorts).map(withoutAppProtocol)
  const own = takesRequests ? ports : portsOf(declared)
  const { readinessProbe, command, args, workingDir, image } = template
  // The rest keeps every variable in its order if one of them has its value from elsewhere.
  const variables = env === undefined ? template.env : fieldsIn(env)
  return {
    name: typeof name === 'string' && name !== '' ? name : SERVING_CONTAINER,
    ...(image === undefined ? {} : { image }),
    ...(command.length === 0 ? {} : { command: command.map(fill) }),
    ...(args.length === 0 ? {} : { args: args.map(fill) }),
    ...(workingDir === undefined ? {} : { workingDir: fill(workingDir) }),
    env: variablesOf(variables, template, context, takesRequests),
    ...(declared.length === 0 ? {} : { ports: declared }),
    resources: resourcesOf(template, resources),
    ...readinessOf(readinessProbe, own, context),
    ...completed(more, { ...context, ports: own ?? ports }),
  }
}

/** A container beside the one that serves, as written; a collocated transformer takes the requests. */
export function sideContainer(
  container: Fields,
  template: ReplicaTemplate,
  context: ContainerContext,
): Fields {
  const { ports } = context
  if (textIn(container, 'name') !== TRANSFORMER_CONTAINER) return completed(container, context)
  const { env, readinessProbe, ...rest } = container
  return {
    ...completed(rest, context),
    env: variablesOf(fieldsIn(env), { storage: [] }, context, true),
    ports: requestPorts(template, ports),
    readinessProbe: isFields(readinessProbe) ? completeProbe(readinessProbe, ports) : defaultReadiness(ports),
  }
}

/** KServe's servers, and containers written for Knative, learn their port and whose they are from variables. */
function variablesOf(
  given: readonly (EnvVar | Fields)[],
  { storage }: Pick<ReplicaTemplate, 'storage'>,
  { serviceName, ports, fill }: ContainerContext,
  takesRequests: boolean,
): readonly unknown[] {
  const names = new Set(given.map(({ name }) => name))
  // First, so that those of the manifest can refer to them.
  const ours = [
    { name: 'INFERENCE_SERVICE_NAME', value: serviceName },
    ...(takesRequests ? [{ name: 'PORT', value: String(ports.port) }] : []),
  ].filter(({ name }) => !names.has(name))
  const modelDir = storage[0]?.mountPath
  const theirs = given.map((variable) =>
    variable.name === 'STORAGE_URI' && modelDir !== undefined
      ? { name: 'STORAGE_URI', value: modelDir }
      : fillAll(variable, fill),
  )
  return [...ours, ...theirs]
}

/** What the manifest declares; what it does not declare but is told to listen on is declared for it. */
function requestPorts(
  { ports: declared }: ReplicaTemplate,
  { port, grpcPort }: ReplicaPorts,
): readonly Fields[] {
  const has = (number: number) => declared.some(({ containerPort }) => containerPort === number)
  return [
    ...(has(port) ? [] : [{ containerPort: port, protocol: 'TCP' }]),
    ...declared.map(portOf),
    ...(grpcPort === undefined || has(grpcPort)
      ? []
      : [{ name: 'grpc', containerPort: grpcPort, protocol: 'TCP' }]),
  ]
}

/** A port's protocol is part of its key in server-side apply, so it is always said. */
function portOf(declared: ContainerPort): Fields {
  const { appProtocol: _, protocol = 'TCP', ...port } = declared
  return { ...port, protocol }
}

/** KServe lets a container say what is spoken on its port; Kubernetes knows that of Services only. */
function withoutAppProtocol(declared: Fields): Fields {
  const { appProtocol: _, protocol = 'TCP', ...port } = declared
  return { ...port, protocol }
}

function resourcesOf({ requests, limits }: ReplicaTemplate, more: unknown): Fields {
  return {
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(isFields(more) ? more : {}),
  }
}

/** @param own where this container listens, as far as that is known. */
function readinessOf(
  probe: ReplicaTemplate['readinessProbe'],
  own: ReplicaPorts | undefined,
  { ports, fill }: ContainerContext,
): Fields {
  const given = fillAll(probe, fill)
  if (isFields(given)) return { readinessProbe: completeProbe(given, own ?? ports) }
  // Behind a transformer a model may listen anywhere: only a port that it declares can be asked.
  return own === undefined ? {} : { readinessProbe: defaultReadiness(own) }
}

function portsOf(declared: readonly Fields[]): ReplicaPorts | undefined {
  const port = declared[0]?.['containerPort']
  return typeof port === 'number' ? { port } : undefined
}

/** Its probes with their ports, and everything else as written. */
function completed(container: Fields, { fill, ports }: ContainerContext): Fields {
  const filled = fillAll(container, fill)
  if (!isFields(filled)) return container
  const own = portsOf(fieldsIn(filled['ports'])) ?? ports
  return Object.fromEntries(
    Object.entries(filled).map(([field, value]) => {
      if (field === 'ports') return [field, fieldsIn(value).map(withoutAppProtocol)]
      const isProbe = /^(?:readiness|liveness|startup)Probe$/.test(field)
      return [field, isProbe && isFields(value) ? completeProbe(value, own) : value]
    }),
  )
}
