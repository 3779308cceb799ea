import type { DesiredCanary, DesiredComponent, DesiredService } from '../../src/core/desired.ts'
import type { RevisionName } from '../../src/core/names.ts'
import type { ComponentKind, RevisionTemplate } from '../../src/core/revision.ts'
import { noReplicas } from '../../src/kserve/observation.ts'
import type { RevisionObservation } from '../../src/kserve/observation.ts'
import { reconcileService } from '../../src/kserve/reconcile.ts'
import type { ReconciledService, ReconcileOptions } from '../../src/kserve/reconcile.ts'

export const OPTIONS: ReconcileOptions = {
  strict: false,
  keep: 20,
  urls: {
    domainTemplate: '{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}',
    pathTemplate: '/serving/{{ .Namespace }}/{{ .Name }}',
    ingressDomain: 'example.com',
    urlScheme: 'http',
  },
}

/** A template that differs from another by its model. */
export function templateOf(model: string, annotations: Record<string, string> = {}): RevisionTemplate {
  return {
    replica: {
      runtime: { kind: 'ClusterServingRuntime', name: 'sklearn-server' },
      command: ['serve'],
      args: [],
      env: [],
      ports: [],
      requests: {},
      limits: {},
      storage: [{ uri: `s3://models/${model}`, mountPath: '/mnt/models' }],
      podSpec: {},
    },
    limits: { containerConcurrency: 0, timeoutMs: 300_000, responseStartTimeoutMs: 0, idleTimeoutMs: 0 },
    scaling: { class: 'kpa', annotations: { 'autoscaling.knative.dev/min-scale': '1', ...annotations } },
  }
}

export function componentOf(kind: ComponentKind, model: string, percent?: number): DesiredComponent {
  return {
    kind,
    name: `iris-${kind}`,
    template: templateOf(model),
    ...(percent === undefined ? {} : { canaryTrafficPercent: percent }),
  }
}

export function canaryOf(name: string, trafficPercent: number, model: string): DesiredCanary {
  return {
    name,
    trafficPercent,
    component: { kind: 'predictor', name: `iris-${name}-predictor`, template: templateOf(model) },
  }
}

/** The service `ml/iris` with one predictor, unless the test says otherwise. */
export function serviceOf(
  model: string,
  percent?: number,
  changes: Partial<DesiredService> = {},
): DesiredService {
  return {
    namespace: 'ml',
    name: 'iris',
    generation: 1,
    createdAtMs: 0,
    annotations: {},
    labels: {},
    spec: {},
    deploymentMode: 'Knative',
    stopped: false,
    tagRouting: false,
    clusterLocal: false,
    components: { predictor: componentOf('predictor', model, percent) },
    canaries: [],
    ...changes,
  }
}

/** One service over time: what is applied, which revisions become ready, and what follows. */
export class RolloutStory {
  nowMs = 1_700_000_000_000
  /** As JSON, so that every step is also a restart. */
  #history: string | undefined
  readonly #options: ReconcileOptions
  readonly #seen = new Map<RevisionName, Partial<RevisionObservation>>()

  constructor(options: Partial<ReconcileOptions> = {}) {
    this.#options = { ...OPTIONS, ...options }
  }

  /** The replicas of a revision from now on. */
  see(revision: RevisionName, seen: Partial<RevisionObservation>): this {
    this.#seen.set(revision, seen)
    return this
  }

  ready(revision: RevisionName): this {
    return this.see(revision, { readyReplicas: 1, totalReplicas: 1, phase: 'ready' })
  }

  apply(desired: DesiredService): ReconciledService {
    this.nowMs += 1000
    const result = reconcileService({
      desired,
      history: this.#history === undefined ? undefined : JSON.parse(this.#history),
      observe: (revision) => ({ ...noReplicas, ...this.#seen.get(revision) }),
      nowMs: this.nowMs,
      options: this.#options,
    })
    this.#history = JSON.stringify(result.history)
    return result
  }

  /** Applied, all its latest revisions become ready, and seen once more. */
  deploy(desired: DesiredService): ReconciledService {
    const applied = this.apply(desired)
    for (const component of Object.values(applied.history.components)) {
      if (component.latestCreatedRevision !== undefined) this.ready(component.latestCreatedRevision)
    }
    return this.apply(desired)
  }
}

/** `{ 'ml/iris-predictor-00001': 100 }` of the route with this name. */
export function sharesOf(result: ReconciledService, route: string): Record<string, number> | undefined {
  const found = result.routes.find((candidate) => candidate.name === route)
  if (found === undefined) return undefined
  return Object.fromEntries(found.split.map((target) => [target.revision, target.percent]))
}
