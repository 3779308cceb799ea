import type { DesiredComponent } from '../core/desired.ts'
import type { ReplicaTemplate, RequestLimits } from '../core/revision.ts'
import { customReplica, modelReplica, type BuildContext } from './component-replica.ts'
import { containerOf } from './merge.ts'
import type { SelectionFailure } from './runtimes.ts'
import { scalingOf } from './scaling.ts'
import type { Explainer, Extension, Predictor } from './schema/inference-service.ts'
import type { Container } from './schema/kubernetes.ts'
import { componentName } from './traffic.ts'

export interface Built {
  readonly component: DesiredComponent
  readonly failure?: SelectionFailure
  /** What it asks to be scaled on and is not. */
  readonly warnings: readonly string[]
}

export function buildPredictor(predictor: Predictor, context: BuildContext, path = 'spec.predictor'): Built {
  const name = componentName(context.isvc.metadata.name ?? '', 'predictor', predictor.name)
  const {
    replica,
    failure,
    runtimeAnnotations = {},
  } = predictor.model === undefined
    ? customReplica(predictor, predictor.containers ?? [], context, { path })
    : modelReplica({ ...predictor, model: predictor.model }, context)
  const built = assemble('predictor', name, predictor, { replica, path, runtimeAnnotations }, context)
  return { ...built, ...(failure === undefined ? {} : { failure }) }
}

/** A transformer or an explainer: a container of the user's, told where the predictor is. */
export function buildOther(kind: 'transformer' | 'explainer', context: BuildContext): Built | undefined {
  const { metadata, spec } = context.isvc
  const component = spec[kind]
  if (component === undefined) return undefined
  const isvc = metadata.name ?? ''
  const art = kind === 'explainer' ? spec.explainer?.art : undefined
  const [first = {}, ...sidecars] = component.containers ?? []
  const container = art === undefined ? first : artContainer(art)
  const host = context.predictorHost(
    metadata.namespace ?? 'default',
    componentName(isvc, 'predictor', spec.predictor.name),
  )
  const workers =
    (component.containerConcurrency ?? 0) > 0 ? String(component.containerConcurrency) : undefined
  const args = withFlags(container.args ?? [], {
    '--model_name': isvc,
    '--predictor_host': host,
    '--http_port': context.httpPort,
    ...(workers === undefined ? {} : { '--workers': workers }),
    ...(art === undefined ? {} : { '--adversary_type': art.type ?? '', ...configFlags(art.config) }),
  })
  const path = `spec.${kind}`
  const { replica, failure } = customReplica(component, [{ ...container, args }, ...sidecars], context, {
    path,
    ...(art === undefined ? {} : { art }),
  })
  const built = assemble(kind, componentName(isvc, kind), component, { replica, path }, context)
  return { ...built, ...(failure === undefined ? {} : { failure }) }
}

/** What stands beside the container of the Adversarial Robustness Toolbox becomes its arguments. */
function artContainer({
  type: _type,
  config: _config,
  ...container
}: NonNullable<Explainer['art']>): Container {
  return { image: 'kserve/art-explainer', ...containerOf({ ...container, modelFormat: { name: 'art' } }) }
}

function configFlags(config: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(config ?? {}).map(([key, value]) => [`--${key}`, value]))
}

/** Appends each flag that is not among the arguments already. */
function withFlags(args: readonly string[], flags: Readonly<Record<string, string>>): string[] {
  const missing = Object.entries(flags).filter(
    ([flag]) => !args.some((argument) => argument === flag || argument.startsWith(`${flag}=`)),
  )
  return [...args, ...missing.flat()]
}

function assemble(
  kind: DesiredComponent['kind'],
  name: string,
  component: Extension,
  parts: {
    readonly replica: ReplicaTemplate
    readonly path: string
    readonly runtimeAnnotations?: Readonly<Record<string, string>>
  },
  context: BuildContext,
): Built {
  const annotations = { ...parts.runtimeAnnotations, ...context.isvc.metadata.annotations }
  const { scaling, warnings } = scalingOf(
    component,
    annotations,
    context.mode,
    parts.path,
    context.allowZeroInitialScale,
  )
  const percent = component.canaryTrafficPercent
  return {
    component: {
      kind,
      name,
      template: { replica: parts.replica, limits: limitsOf(component, context.timeoutSeconds), scaling },
      ...(percent === undefined ? {} : { canaryTrafficPercent: percent }),
    },
    warnings,
  }
}

/** KServe's `timeout` is for the whole request and for the first byte of its answer alike. */
function limitsOf({ containerConcurrency = 0, timeout }: Extension, defaultSeconds: number): RequestLimits {
  const timeoutMs = (timeout ?? defaultSeconds) * 1000
  return { containerConcurrency, timeoutMs, responseStartTimeoutMs: timeoutMs, idleTimeoutMs: 0 }
}
