import type { Clock } from '../../core/clock.ts'
import { Latest } from '../../core/latest.ts'
import type { RevisionName } from '../../core/names.ts'
import type { Ready, Replica } from '../../core/replica.ts'
import type { Revision } from '../../core/revision.ts'
import type { Log } from '../../core/telemetry.ts'
import { keyOf } from '../api/kube-object.ts'
import { podChecksOf } from './pod-checks.ts'
import { PodProber } from './pod-prober.ts'
import { needsOwnYes } from './pod-readiness.ts'
import { partsOf, type Pod } from './pod.ts'
import { probeStateAfter, type ProbeState } from './probe-state.ts'
import { replicaOf, revisionNameOf } from './replica-of.ts'
import { isSameReplica } from './same-replica.ts'

/** What this needs of a `ResourceCache` of pods. */
export interface PodCache {
  values(): Iterable<Pod>
  onChange(listener: (change: { readonly key: string; readonly object: Pod | undefined }) => void): Disposable
}

export interface PodReplicasOptions {
  readonly pods: PodCache
  /** The revisions that are known now; tell `revisionsChanged` when they change. */
  readonly revisionOf: (name: RevisionName) => Revision | undefined
  readonly clock: Clock
  readonly log: Log
  /** Questions to pods under way at the same time, over all pods. */
  readonly questionsMax?: number
}

/** One pod, and what is made of it. */
interface Entry {
  readonly key: string
  pod: Pod
  /** The revision that it says it belongs to. */
  revisionName: RevisionName | undefined
  seen: ProbeState
  revision: Revision | undefined
  replica: Replica | undefined
  /** Asking is under way for this start. */
  asking: { readonly start: string | undefined; readonly question: Disposable } | undefined
}

/**
 * The replicas of a cluster, made of its pods: `ready` is replaced once in a turn in which any of them changed, and a
 * replica that did not change stays the same object. Pods that may be ready are asked at once, so that nobody waits
 * for the kubelet's clock. When the API server is away the pods stay as they are, and so do the replicas.
 */
export class PodReplicas implements Disposable {
  readonly ready = new Latest<Ready>({ replicas: [] })
  readonly #options: PodReplicasOptions
  readonly #prober: PodProber
  readonly #subscription: Disposable
  readonly #entries = new Map<string, Entry>()
  /** What has to be looked at before this turn ends. */
  readonly #dirty = new Set<Entry>()
  #isScheduled = false
  #isGone = false
  #hasLost = false

  constructor(options: PodReplicasOptions) {
    this.#options = options
    this.#prober = new PodProber(options)
    this.#subscription = options.pods.onChange(({ key, object }) => this.#take(key, object))
    for (const pod of options.pods.values()) {
      this.#take(keyOf(pod), pod)
    }
  }

  /** Looks again at the pods whose revision has become known, has changed, or is gone. */
  revisionsChanged(): void {
    for (const entry of this.#entries.values()) {
      if (entry.revision !== this.#revisionOf(entry)) this.#mark(entry)
    }
  }

  [Symbol.dispose](): void {
    this.#isGone = true
    this.#subscription[Symbol.dispose]()
    for (const { asking } of this.#entries.values()) asking?.question[Symbol.dispose]()
    this.#entries.clear()
    this.#dirty.clear()
  }

  #take(key: string, pod: Pod | undefined): void {
    const entry = this.#entries.get(key)
    if (pod === undefined) {
      if (entry === undefined) return
      this.#entries.delete(key)
      this.#dirty.delete(entry)
      entry.asking?.question[Symbol.dispose]()
      if (entry.replica === undefined) return
      this.#hasLost = true
      this.#schedule()
      return
    }
    // Seen at each event, not only at the end of the turn: a True may be followed by a False at once.
    const seen = probeStateAfter(pod, entry?.seen)
    if (entry === undefined) {
      const added: Entry = {
        key,
        pod,
        revisionName: revisionNameOf(pod),
        seen,
        revision: undefined,
        replica: undefined,
        asking: undefined,
      }
      this.#entries.set(key, added)
      this.#mark(added)
      return
    }
    entry.pod = pod
    entry.revisionName = revisionNameOf(pod)
    entry.seen = seen
    this.#mark(entry)
  }

  #mark(entry: Entry): void {
    this.#dirty.add(entry)
    this.#schedule()
  }

  /**
   * At the end of this turn: after everything that is settled in it (a watch hands out the events of one chunk in as
   * many microtasks), before anything else is read from a socket.
   */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => process.nextTick(this.#publish))
  }

  readonly #publish = (): void => {
    this.#isScheduled = false
    if (this.#isGone) return
    let hasChanged = this.#hasLost
    this.#hasLost = false
    for (const entry of this.#dirty) {
      const before = entry.replica
      this.#look(entry)
      if (entry.replica !== before) hasChanged = true
    }
    this.#dirty.clear()
    if (!hasChanged) return
    const replicas: Replica[] = []
    for (const { replica } of this.#entries.values()) if (replica !== undefined) replicas.push(replica)
    this.ready.set({ replicas })
  }

  #look(entry: Entry): void {
    const { pod, seen, replica: before } = entry
    entry.revision = this.#revisionOf(entry)
    const after = replicaOf(pod, entry.revision, seen, this.#options.clock.now())
    entry.replica = after === undefined ? undefined : settled(before, after)
    this.#ask(entry)
  }

  /** Asks, goes on asking, or stops asking. */
  #ask(entry: Entry): void {
    const { pod, revision, replica, seen, asking } = entry
    // Loading: its serving container runs, it has an address, and it was not told to go.
    const isWanted = replica?.phase === 'loading' && needsOwnYes(partsOf(pod), seen)
    if (isWanted && asking?.start === seen.start) return
    asking?.question[Symbol.dispose]()
    entry.asking = undefined
    const checks = isWanted && revision !== undefined ? podChecksOf(pod, revision) : undefined
    if (checks === undefined) return
    const question = this.#prober.start(checks, entry.key, {
      onYes: () => this.#heard(entry, { yesAtMs: this.#options.clock.now() }),
      onNo: (no) => this.#heard(entry, { no }),
    })
    entry.asking = { start: seen.start, question }
  }

  #heard(entry: Entry, answer: Pick<ProbeState, 'yesAtMs'> | Pick<ProbeState, 'no'>): void {
    // The pod may have been seen to start again in this turn, before the question was taken back.
    if (entry.asking === undefined || entry.asking.start !== entry.seen.start) return
    entry.seen = { ...entry.seen, ...answer }
    this.#mark(entry)
  }

  #revisionOf({ revisionName }: Entry): Revision | undefined {
    return revisionName === undefined ? undefined : this.#options.revisionOf(revisionName)
  }
}

/** The same object for the same replica; one that stays in its phase is in it since the same time. */
function settled(before: Replica | undefined, after: Replica): Replica {
  const isSamePhase =
    before?.phase === after.phase &&
    before.restarts === after.restarts &&
    before.createdAtMs === after.createdAtMs
  if (!isSamePhase) return after
  const kept = before.sinceMs === after.sinceMs ? after : { ...after, sinceMs: before.sinceMs }
  return isSameReplica(before, kept) ? before : kept
}
