import {
  ManifestRefused,
  ObjectNotFound,
  type AppliedObject,
  type ControlPlane,
  type InferenceServiceObject,
  type ManifestStore,
  type ReplicaLogs,
  type RevisionView,
  type Snapshot,
} from '../control/view.ts'
import type { Decision } from '../core/decision.ts'
import { Latest } from '../core/latest.ts'
import type { Replica, ReplicaPhase } from '../core/replica.ts'

/** 2023-11-14T22:13:20Z: the moment of every test value here. */
export const SAMPLE_MS = 1_700_000_000_000

export function sampleDecision(over: Partial<Decision> = {}): Decision {
  const windowSignal = { unit: 'requests at once', target: 7 }
  return {
    class: 'kpa',
    atMs: SAMPLE_MS - 2000,
    replicas: 6,
    mode: 'panic',
    limits: ['scale-up rate 2x', 'held by panic'],
    signals: [
      { ...windowSignal, name: 'stable window', value: 14.2, proposal: 3, binding: false },
      { ...windowSignal, name: 'panic window', value: 41, proposal: 6, binding: true },
    ],
    inputs: { metric: 'concurrency', stable: 14.2, panic: 41, ready: 3, starting: 0, waiting: 0, target: 7 },
    windowsMs: { stable: 60_000, panic: 6_000 },
    excessBurstCapacity: -20,
    ...over,
  }
}

export function sampleRevision(name: RevisionView['name'], over: Partial<RevisionView> = {}): RevisionView {
  return {
    name,
    service: 'ml/iris',
    component: 'predictor',
    generation: Number(name.slice(-5)),
    createdAtMs: SAMPLE_MS - 3_600_000,
    trafficPercent: 100,
    ready: 'True',
    wanted: 1,
    minScale: 0,
    maxScale: 5,
    containerConcurrency: 0,
    replicas: { scheduling: 0, pulling: 0, loading: 0, ready: 1, draining: 0, failed: 0 },
    waiting: 0,
    inFlight: 0,
    ...over,
  }
}

export function sampleReplica(revision: Replica['revision'], suffix: string, phase: ReplicaPhase): Replica {
  return {
    name: `${revision}-${suffix}`,
    revision,
    phase,
    sinceMs: SAMPLE_MS - 60_000,
    createdAtMs: SAMPLE_MS - 90_000,
    restarts: 0,
    ...(phase === 'ready' ? { address: { host: '127.0.0.1', port: 40_001 }, pid: 4711 } : {}),
  }
}

/** A service in the middle of a canary: 10 percent to revision 2, which is scaling up in panic. */
export function sampleService(over: { namespace?: string; name?: string } = {}): InferenceServiceObject {
  const { namespace = 'ml', name = 'iris' } = over
  const url = `http://${name}.${namespace}.localhost`
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, namespace, generation: 2, creationTimestamp: '2023-11-14T21:13:20Z' },
    spec: { predictor: { canaryTrafficPercent: 10, model: { modelFormat: { name: 'sklearn' } } } },
    status: {
      url,
      conditions: [
        { type: 'PredictorReady', status: 'True', lastTransitionTime: null },
        { type: 'Ready', status: 'True', lastTransitionTime: null },
      ],
      components: {
        predictor: {
          latestReadyRevision: `${name}-predictor-00002`,
          traffic: [
            { revisionName: `${name}-predictor-00002`, latestRevision: true, percent: 10 },
            { revisionName: `${name}-predictor-00001`, latestRevision: false, percent: 90, tag: 'prev' },
          ],
        },
      },
    },
  }
}

export function sampleSnapshot(over: Partial<Snapshot> = {}): Snapshot {
  const [old, young] = ['ml/iris-predictor-00001', 'ml/iris-predictor-00002'] as const
  return {
    atMs: SAMPLE_MS,
    services: [sampleService()],
    routes: [
      {
        name: 'ml/iris',
        hosts: ['iris.ml.localhost'],
        pathPrefixes: ['/serving/ml/iris'],
        match: 'all',
        split: [
          { revision: young, percent: 10, tag: 'latest' },
          { revision: old, percent: 90, tag: 'prev' },
        ],
      },
    ],
    revisions: [
      sampleRevision(old, {
        trafficPercent: 90,
        lastDecision: sampleDecision({ mode: 'stable', replicas: 1, limits: [] }),
      }),
      sampleRevision(young, {
        trafficPercent: 10,
        wanted: 6,
        waiting: 12,
        inFlight: 29,
        replicas: { scheduling: 1, pulling: 1, loading: 1, ready: 3, draining: 0, failed: 0 },
        lastDecision: sampleDecision(),
      }),
    ],
    replicas: [
      sampleReplica(old, 'aaaaa', 'ready'),
      ...['b1', 'b2', 'b3'].map((suffix) => sampleReplica(young, suffix, 'ready')),
      sampleReplica(young, 'c1', 'loading'),
      sampleReplica(young, 'c2', 'pulling'),
      { ...sampleReplica(young, 'c3', 'scheduling'), reason: 'needs 1 nvidia.com/gpu, 0 are free' },
    ],
    problems: [],
    ...over,
  }
}

/** A control plane of plain values, for the tests of whatever stands on it. Remembers what it was told. */
export class FakeControlPlane implements ControlPlane, ManifestStore, ReplicaLogs {
  readonly latest: Latest<Snapshot>
  readonly calls: string[] = []
  ready = true
  decisionsOf = new Map<string, readonly Decision[]>()
  logLines = new Map<string, readonly string[]>()
  applied: readonly AppliedObject[] = []
  refusal: string | undefined
  /** How many readers follow the snapshots or a log now. */
  followers = 0

  constructor(snapshot: Snapshot = sampleSnapshot()) {
    this.latest = new Latest(snapshot)
  }

  isReady(): boolean {
    return this.ready
  }

  snapshot(): Snapshot {
    return this.latest.value
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Snapshot> {
    this.followers += 1
    try {
      yield* this.latest.values(signal)
    } finally {
      this.followers -= 1
    }
  }

  decisions(revision: string): readonly Decision[] | undefined {
    return this.decisionsOf.get(revision)
  }

  async apply(yaml: string): Promise<readonly AppliedObject[]> {
    this.calls.push(`apply ${yaml}`)
    if (this.refusal !== undefined) throw new ManifestRefused(this.refusal)
    return this.applied
  }

  async remove(kind: string, namespace: string, name: string): Promise<void> {
    this.calls.push(`remove ${kind} ${namespace}/${name}`)
    if (kind === 'InferenceService') this.#mustExist(namespace, name)
  }

  async setCanary(namespace: string, name: string, percent: number | undefined): Promise<void> {
    this.#mustExist(namespace, name)
    this.calls.push(`canary ${namespace}/${name} ${percent ?? 'none'}`)
  }

  async *read(
    replica: string,
    options: { readonly tailLines?: number; readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<string> {
    const lines = this.logLines.get(replica)
    if (lines === undefined) throw new ObjectNotFound(`replica ${replica} has no log`)
    yield* options.tailLines === undefined
      ? lines
      : lines.slice(Math.max(0, lines.length - options.tailLines))
    if (!options.follow) return
    this.followers += 1
    try {
      for await (const snapshot of this.latest.values(signal)) yield `seen at ${snapshot.atMs}`
    } finally {
      this.followers -= 1
    }
  }

  #mustExist(namespace: string, name: string): void {
    const exists = this.latest.value.services.some(
      ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
    )
    if (!exists) throw new ObjectNotFound(`InferenceService ${namespace}/${name} does not exist`)
  }
}
