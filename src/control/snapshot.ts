import { rfc3339 } from '../core/clock.ts'
import type { Problem } from '../core/desired.ts'
import type { RevisionName } from '../core/names.ts'
import type { Replica, ReplicaPhase } from '../core/replica.ts'
import type { RevisionScaler } from './revision-scaler.ts'
import type { ServiceState } from './service-state.ts'
import type { InferenceServiceObject, RevisionView, Snapshot } from './view.ts'

const NO_REPLICAS: Readonly<Record<ReplicaPhase, number>> = {
  scheduling: 0,
  pulling: 0,
  loading: 0,
  ready: 0,
  draining: 0,
  failed: 0,
}

/** How many replicas are in each phase. */
export function replicasByPhase(replicas: readonly Replica[]): Readonly<Record<ReplicaPhase, number>> {
  const phases = { ...NO_REPLICAS }
  for (const { phase } of replicas) phases[phase] += 1
  return phases
}

/** Everything the admin API shows, as one value. */
export function snapshotOf(state: {
  readonly nowMs: number
  readonly services: readonly ServiceState[]
  readonly scalers: ReadonlyMap<RevisionName, RevisionScaler>
  readonly replicas: readonly Replica[]
  readonly problems: readonly Problem[]
}): Snapshot {
  const byRevision = Map.groupBy(state.replicas, (replica) => replica.revision)
  return {
    atMs: state.nowMs,
    services: state.services.flatMap((service) => objectOf(service) ?? []),
    routes: state.services.flatMap(({ result }) =>
      (result?.routes ?? []).map(({ name, hosts, pathPrefixes, match, split }) => ({
        name,
        hosts,
        pathPrefixes,
        match,
        split,
      })),
    ),
    revisions: state.services.flatMap((service) =>
      (service.result?.revisions ?? []).flatMap(({ name }) => {
        const scaler = state.scalers.get(name)
        return scaler === undefined ? [] : [revisionView(service, scaler, byRevision.get(name) ?? [])]
      }),
    ),
    replicas: state.replicas,
    problems: state.problems,
  }
}

function objectOf({ desired, result }: ServiceState): InferenceServiceObject | undefined {
  if (desired === undefined || result === undefined) return undefined
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: {
      name: desired.name,
      namespace: desired.namespace,
      generation: desired.generation,
      creationTimestamp: rfc3339(desired.createdAtMs),
      ...(Object.keys(desired.annotations).length > 0 ? { annotations: desired.annotations } : {}),
      ...(Object.keys(desired.labels).length > 0 ? { labels: desired.labels } : {}),
    },
    spec: desired.spec,
    status: result.status,
  }
}

function revisionView(
  { history, result }: ServiceState,
  scaler: RevisionScaler,
  replicas: readonly Replica[],
): RevisionView {
  const { revision, policy } = scaler
  const component = history?.components[revision.componentName]
  const record = component?.revisions.find((candidate) => candidate.revision.name === revision.name)
  const reason = record?.failure?.message ?? replicas.find((replica) => replica.reason !== undefined)?.reason
  const share = (component?.traffic ?? [])
    .filter((target) => target.revision === revision.name)
    .reduce((sum, target) => sum + target.percent, 0)
  const lastDecision = scaler.log.newest
  return {
    name: revision.name,
    service: revision.service,
    component: revision.component,
    generation: revision.generation,
    createdAtMs: revision.createdAtMs,
    trafficPercent: share,
    ready: record?.everReady ? 'True' : record?.failure === undefined ? 'Unknown' : 'False',
    ...(reason === undefined ? {} : { reason }),
    wanted: scaler.wanted,
    minScale: result?.reachable.has(revision.name) ? policy.minScale : 0,
    maxScale: policy.maxScale,
    containerConcurrency: revision.template.limits.containerConcurrency,
    replicas: replicasByPhase(replicas),
    waiting: scaler.waiting,
    inFlight: scaler.inFlight,
    ...(lastDecision === undefined ? {} : { lastDecision }),
  }
}
