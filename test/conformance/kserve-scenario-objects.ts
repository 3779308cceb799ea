import { z } from 'zod'
import type { DesiredComponent, DesiredService } from '../../src/core/desired.ts'
import { qualified, split as namePartsOf } from '../../src/core/names.ts'
import type { ReconciledService } from '../../src/kserve/reconcile.ts'

/** What is read of the objects that KServe generates: what its rollout decides. */
const objectsSchema = z.object({
  ksvc: z
    .array(
      z.object({
        name: z.string(),
        autoscaling: z.record(z.string(), z.string()),
        knativeDefaulted: z.object({ containerConcurrency: z.number(), timeoutSeconds: z.number() }),
        traffic: z.array(z.record(z.string(), z.unknown())),
        knativeWebhookError: z.string().optional(),
      }),
    )
    .default([]),
  deployments: z.array(z.object({ name: z.string(), replicas: z.number().nullish() })).default([]),
  httpRoutes: z
    .array(
      z.object({
        name: z.string(),
        spec: z.object({
          rules: z.array(
            z.object({ backendRefs: z.array(z.object({ name: z.string(), weight: z.number().optional() })) }),
          ),
        }),
      }),
    )
    .default([]),
})

interface Compared {
  readonly wanted: unknown
  readonly got: unknown
}

const KPA = { 'autoscaling.knative.dev/class': 'kpa.autoscaling.knative.dev' }
const MIN_SCALE = 'autoscaling.knative.dev/min-scale'

/** KServe's objects beside what ours come to, in the same form. */
export function objectsOf(
  expected: unknown,
  desired: DesiredService,
  result: ReconciledService,
): Record<string, Compared> {
  const wanted = objectsSchema.parse(expected ?? {})
  return {
    ksvc: { wanted: wanted.ksvc, got: knativeServices(desired, result) },
    deployments: {
      wanted: wanted.deployments.map(({ name, replicas }) => ({ name, replicas: replicas ?? null })),
      got: deployments(desired, result),
    },
    httpRoutes: {
      wanted: weightsIn(expected),
      got: wanted.httpRoutes.map(({ name }) => ({ name, backendRefs: backendRefs(name, desired, result) })),
    },
  }
}

/** Which share of a route's requests goes where in KServe's HTTPRoutes; a single one has no weight. */
export function weightsIn(expected: unknown): {
  readonly name: string
  readonly backendRefs: readonly { readonly name: string; readonly weight?: number | undefined }[] | undefined
}[] {
  // The last rule takes what the others (explain, gRPC) leave.
  return objectsSchema
    .parse(expected ?? {})
    .httpRoutes.map(({ name, spec }) => ({ name, backendRefs: spec.rules.at(-1)?.backendRefs }))
}

function componentsOf({ components }: DesiredService): DesiredComponent[] {
  return [components.predictor, components.transformer, components.explainer].filter(
    (component) => component !== undefined,
  )
}

function knativeServices(desired: DesiredService, result: ReconciledService): unknown[] {
  if (desired.deploymentMode !== 'Knative' || desired.stopped) return []
  return componentsOf(desired).map(({ kind, name, template, canaryTrafficPercent }) => {
    const traffic = result.status.components?.[kind]?.traffic ?? []
    return {
      name,
      autoscaling: { ...KPA, ...template.scaling.annotations },
      knativeDefaulted: {
        containerConcurrency: template.limits.containerConcurrency,
        timeoutSeconds: template.limits.timeoutMs / 1000,
      },
      // Knative's Service names no revision for its latest; without a ready one KServe still asks for 100 %.
      traffic:
        traffic.length === 0
          ? [{ latestRevision: true, percent: 100 }]
          : traffic.map(({ latestRevision, percent, tag, revisionName }) => ({
              latestRevision,
              percent,
              ...(tag === undefined ? {} : { tag }),
              ...(latestRevision ? {} : { revisionName }),
            })),
      ...webhookError(canaryTrafficPercent, result.trafficProblems[name]),
    }
  })
}

function webhookError(percent: number | undefined, problem: string | undefined): object {
  return percent === undefined || problem === undefined ? {} : { knativeWebhookError: problem }
}

function deployments(desired: DesiredService, result: ReconciledService): unknown[] {
  if (desired.deploymentMode !== 'Standard' || desired.stopped) return []
  const components = [...componentsOf(desired), ...desired.canaries.map(({ component }) => component)]
  return components.map(({ name, template }) => {
    const latest = result.history.components[name]?.latestCreatedRevision
    const shared = latest === undefined ? undefined : result.minScale.get(latest)
    const replicas = shared ?? Number(template.scaling.annotations[MIN_SCALE] ?? 1)
    // Under an autoscaler the number is the autoscaler's.
    return { name, replicas: template.scaling.class === 'fixed' ? replicas : null }
  })
}

function backendRefs(name: string, desired: DesiredService, result: ReconciledService): unknown {
  const route = result.routes.find(
    (candidate) => candidate.name === qualified(desired.namespace, name) && candidate.match === 'all',
  )
  return route?.split.map(({ revision, percent }) => ({
    name:
      result.revisions.find((candidate) => candidate.name === revision)?.componentName ??
      namePartsOf(revision),
    ...(route.split.length === 1 ? {} : { weight: percent }),
  }))
}
