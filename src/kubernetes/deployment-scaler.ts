import type { Clock } from '../core/clock.ts'
import type { ReplicaName, RevisionName } from '../core/names.ts'
import type { Bus } from '../core/report.ts'
import type { Revision } from '../core/revision.ts'
import type { Log } from '../core/telemetry.ts'
import type { ApiClient, KubeObject, ResourceCache } from './api/index.ts'
import { isDraining } from './names.ts'
import { costOf, nameOf, replicasOf, statusOf, hasEnded, withCost } from './deployment-state.ts'
import { DeploymentWrites } from './deployment-writes.ts'
import { choosePodsToEnd } from './replicas/index.ts'

/** Pauses between two looks at whether pods that are to go have become idle. */
const FIRST_LOOK_MS = 50
const LONGEST_PAUSE_MS = 1_000
/** Pauses before what failed is tried again. */
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 30_000
/** KServe's default, for revisions of which only a Deployment is left. */
const UNKNOWN_TIMEOUT_MS = 300_000
/** Marked to go, and to go before all others that are. */
const COST_DRAINING = '-1000'
const COST_DRAINED = '-2000'

export interface DeploymentScalerDependencies {
  readonly client: Pick<ApiClient, 'patch' | 'delete'>
  readonly deployments: Pick<ResourceCache, 'get'>
  /** The pods of a revision that exist, those that are being deleted too. */
  readonly podsOf: (revision: RevisionName) => readonly KubeObject[]
  /** Makes the revision's Deployment with so many replicas. */
  readonly create: (revision: Revision, replicas: number) => Promise<void>
  /** Whether a Deployment of the revision's name is the revision's own, and not that of a service that was there before. */
  readonly isOwn: (revision: Revision, deployment: KubeObject) => boolean
  readonly bus: Pick<Bus, 'load'>
  /** A gateway ordered the first replica itself, since no leader answered it. */
  readonly onRaised: (revision: RevisionName) => void
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * Keeps the Deployment of one revision at the number of pods that is wanted, and is the only one that writes it. Up is
 * one write. Down has three steps, so that no answer is ever cut: pods are marked, which takes them out of every
 * gateway; it waits until no gateway has a request on them; only then is the number lowered, and the marked ones go.
 * What is under way stands on the pods themselves: another controller goes on with it.
 */
export class DeploymentScaler {
  /** Undefined for one that is only to go. */
  #revision: Revision | undefined
  readonly #revisionName: RevisionName
  readonly #deps: DeploymentScalerDependencies
  readonly #writes: DeploymentWrites
  #wanted: number | undefined
  #isRetired = false
  /** One look at a time. */
  #turn: Promise<void> = Promise.resolve()
  /** A look that has not begun: it sees all that is true by then, so that one is enough. */
  #next: Promise<void> | undefined
  #failures = 0
  #isTryingAgain = false
  #isDraining = false
  /** There are too many, and the gateways have not said what runs on them. */
  #isUnanswered = false
  /** Nothing was wanted and nothing was ordered when it was looked at last. */
  #isAsleep = false
  /** The number was asked for, and the Deployment not looked at since. */
  #isNews = false
  /** By uid: since when pods have been seen to be marked, epoch ms. */
  readonly #markedMs = new Map<string, number>()
  /** By uid: marked pods for which the number was lowered; the ReplicaSet is about to delete them. */
  readonly #released = new Set<string>()

  constructor(revision: RevisionName, dependencies: DeploymentScalerDependencies) {
    this.#revisionName = revision
    this.#deps = dependencies
    this.#writes = new DeploymentWrites(dependencies.client, revision, dependencies.signal)
  }

  /** Resolves when the API server has accepted it. @throws ApiError */
  scale(revision: Revision, replicas: number): Promise<void> {
    // A service that was deleted and made again may bring the same name with another content.
    this.#revision = revision
    this.#wanted = replicas
    this.#isNews = true
    this.#isRetired = false
    return this.#look()
  }

  /** To zero, and the Deployment away. */
  retire(): Promise<void> {
    this.#wanted = 0
    this.#isRetired = true
    return this.#look()
  }

  /** Retired, and nothing is left of it. */
  get isOver(): boolean {
    return this.#isRetired && this.#deployment === undefined && this.#pods().length === 0
  }

  /** Something about its Deployment or pods is different: whoever changed the number, it is put right. */
  changed(): void {
    if (this.#wanted === undefined) return
    this.#look().then(
      () => (this.#failures = 0),
      (error: unknown) => this.#failed(error),
    )
  }

  #look(): Promise<void> {
    if (this.#next !== undefined) return this.#next
    const turn = this.#turn.then(() => {
      this.#next = undefined
      return this.#bringThere()
    })
    this.#next = turn
    this.#turn = turn.catch(nothing)
    return turn
  }

  /** It may be that nothing tells of it any more: it is looked at again after a while. */
  #failed(error: unknown): void {
    const { log, signal } = this.#deps
    if (signal.aborted || this.#isTryingAgain) return
    log.warn({ revision: this.#revisionName, err: error }, 'a Deployment could not be put right')
    const pauseMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures)
    this.#failures += 1
    this.#isTryingAgain = true
    void this.#tryAgain(pauseMs)
  }

  async #tryAgain(pauseMs: number): Promise<void> {
    const { clock, signal } = this.#deps
    await clock.sleep(pauseMs, signal).catch(nothing)
    this.#isTryingAgain = false
    if (!signal.aborted) this.changed()
  }

  get #deployment(): KubeObject | undefined {
    return this.#deps.deployments.get(this.#revisionName)
  }

  async #bringThere(): Promise<void> {
    const { signal, isOwn, create } = this.#deps
    let wanted = this.#wanted
    if (wanted === undefined || signal.aborted) return
    const deployment = this.#deployment
    const revision = this.#revision
    if (deployment === undefined) {
      if (revision !== undefined && !this.#isRetired) await create(revision, wanted)
      return
    }
    if (deployment.metadata.deletionTimestamp !== undefined) return
    // Its owner is gone, and it goes as well: ours is made when it has.
    if (revision !== undefined && !isOwn(revision, deployment)) return this.#writes.delete(deployment)
    const ordered = this.#writes.orderedIn(deployment)
    this.#forgetReleased(deployment, ordered)
    const isNews = this.#isNews
    this.#isNews = false
    if (revision?.template.scaling.class === 'external' && wanted > 0) {
      // Somebody else changes the number, and is not put right; only from nothing it is ours to begin.
      if (isNews && ordered === 0) await this.#writes.order(wanted)
      return
    }
    const pods = this.#pods()
    const draining = pods.filter(isDraining)
    const staying = ordered - draining.length
    if (this.#isAsleep && wanted === 0 && ordered > 0 && !this.#isRetired) {
      // One is what a gateway orders; whoever ordered more is put right.
      wanted = this.#wanted = 1
      this.#deps.onRaised(this.#revisionName)
    }
    this.#isAsleep = wanted === 0 && ordered === 0
    if (staying <= wanted) this.#isUnanswered = false
    if (staying < wanted) await this.#raise(wanted, { ordered, draining, staying })
    else if (staying > wanted) await this.#lower(staying - wanted, { deployment, ordered, pods, draining })
    else if (draining.length > 0) this.#drain()
    else if (this.#isRetired && ordered === 0) await this.#writes.delete(deployment)
  }

  /** Those that were to go are taken back first: they are warm. */
  async #raise(
    wanted: number,
    now: { readonly ordered: number; readonly draining: readonly KubeObject[]; readonly staying: number },
  ): Promise<void> {
    const back = now.draining.slice(0, wanted - now.staying)
    await Promise.all(back.map((pod) => this.#writes.mark(pod, undefined)))
    const ordered = wanted + now.draining.length - back.length
    if (ordered > now.ordered) await this.#writes.order(ordered)
  }

  async #lower(
    count: number,
    now: {
      readonly deployment: KubeObject
      readonly ordered: number
      readonly pods: readonly KubeObject[]
      readonly draining: readonly KubeObject[]
    },
  ): Promise<void> {
    const staying = now.pods.filter((pod) => !now.draining.includes(pod))
    const loads = await this.#load(staying.map(nameOf))
    this.#isUnanswered = loads === undefined
    if (loads === undefined) {
      // Not every gateway answered: nothing is taken away by ignorance, and they are asked again.
      this.#drain()
      return
    }
    // Ordered and not there yet, nor on their way to our cache: nobody has to be asked.
    const there = Math.max(now.pods.length, statusOf(now.deployment).replicas ?? 0)
    const missing = Math.max(0, now.ordered - there)
    const unborn = Math.min(count, missing)
    if (unborn > 0) await this.#writes.order(now.ordered - unborn)
    const leaving = choosePodsToEnd(staying, count - unborn, loads)
    await Promise.all(leaving.map((pod) => this.#writes.mark(pod, COST_DRAINING)))
    if (leaving.length > 0) this.#drain()
  }

  /** Until those that are marked have gone, or are taken back. */
  #drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    void this.#untilDrained()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#isDraining = false
      })
  }

  async #untilDrained(): Promise<void> {
    const { clock, signal } = this.#deps
    for (let pauseMs = FIRST_LOOK_MS; !signal.aborted; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      await clock.sleep(pauseMs, signal)
      if (this.#isUnanswered) await this.#look()
      const turn = this.#turn.then(() => this.#endDrained())
      this.#turn = turn.then(nothing, nothing)
      if ((await turn) === 0 && !this.#isUnanswered) return
    }
  }

  /** Lowers the number by the marked pods on which nothing runs; answers how many are left to wait for. */
  async #endDrained(): Promise<number> {
    const deployment = this.#deployment
    const draining = this.#pods().filter(isDraining)
    const overdue = this.#overdueOf(draining)
    const surplus = deployment === undefined ? 0 : this.#writes.orderedIn(deployment) - (this.#wanted ?? 0)
    if (deployment === undefined || draining.length === 0 || surplus <= 0) return 0
    const loads = await this.#load(draining.map(nameOf))
    // Not every gateway answered: nothing is ended by ignorance.
    if (loads === undefined) return draining.length
    const idle = draining.filter((pod) => overdue.has(pod) || loads.get(nameOf(pod)) === 0)
    const ended = await this.#takeFirst(await this.#first(idle, draining), draining, surplus)
    if (ended.length === 0) return draining.length
    await this.#writes.order(this.#writes.orderedIn(deployment) - ended.length)
    for (const { metadata } of ended) this.#released.add(metadata.uid ?? '')
    return draining.length - ended.length
  }

  /**
   * Those of the idle pods that go before the other marked ones. A ReplicaSet that has not seen the cost yet could take
   * another one, so they are ended only once it can be seen here.
   */
  async #first(idle: readonly KubeObject[], draining: readonly KubeObject[]): Promise<readonly KubeObject[]> {
    if (idle.length === draining.length) return idle
    const isFirst = (pod: KubeObject): boolean => costOf(pod) === COST_DRAINED
    await Promise.all(idle.filter((pod) => !isFirst(pod)).map((pod) => this.#writes.mark(pod, COST_DRAINED)))
    return idle.filter(isFirst)
  }

  /** No request lasts longer than its timeout; one without a timeout is waited for. */
  #overdueOf(draining: readonly KubeObject[]): ReadonlySet<KubeObject> {
    const timeoutMs = this.#revision?.template.limits.timeoutMs ?? UNKNOWN_TIMEOUT_MS
    const nowMs = this.#deps.clock.now()
    const known = new Map(this.#markedMs)
    this.#markedMs.clear()
    for (const { metadata } of draining) {
      const uid = metadata.uid ?? ''
      this.#markedMs.set(uid, known.get(uid) ?? nowMs)
    }
    const isOverdue = ({ metadata: { uid = '' } }: KubeObject): boolean =>
      nowMs - (this.#markedMs.get(uid) ?? nowMs) > timeoutMs + LONGEST_PAUSE_MS
    return new Set(timeoutMs > 0 ? draining.filter(isOverdue) : [])
  }

  /**
   * Those of the idle pods that the ReplicaSet would take now: pods that are not ready go before all marks. One that
   * has become unready and is not marked changes places with a marked one.
   */
  async #takeFirst(
    idle: readonly KubeObject[],
    draining: readonly KubeObject[],
    surplus: number,
  ): Promise<readonly KubeObject[]> {
    const names = new Set(idle.map(nameOf))
    const pods = this.#pods().map((pod) => (names.has(nameOf(pod)) ? withCost(pod, COST_DRAINED) : pod))
    const order = choosePodsToEnd(pods, pods.length, new Map())
    const blocked = order.findIndex((pod) => !names.has(nameOf(pod)))
    const first = order.slice(0, Math.min(surplus, blocked < 0 ? order.length : blocked))
    const [next] = order
    const back = draining.find((pod) => !names.has(nameOf(pod)))
    if (first.length === 0 && next !== undefined && !isDraining(next) && back !== undefined) {
      await this.#writes.mark(next, COST_DRAINING)
      await this.#writes.mark(back, undefined)
    }
    return first
  }

  #load(replicas: readonly ReplicaName[]): Promise<ReadonlyMap<ReplicaName, number> | undefined> {
    return this.#deps.bus.load(replicas, this.#deps.signal)
  }

  /** Once the ReplicaSet has settled, a marked pod that is still there was not the one that it took. */
  #forgetReleased(deployment: KubeObject, ordered: number): void {
    if (this.#released.size === 0) return
    const { observedGeneration, replicas = 0 } = statusOf(deployment)
    const isSettled = observedGeneration === deployment.metadata.generation && replicas === ordered
    if (isSettled && replicasOf(deployment) === ordered) this.#released.clear()
  }

  /** Those that count for the Deployment: not the ones that are being deleted. */
  #pods(): readonly KubeObject[] {
    return this.#deps
      .podsOf(this.#revisionName)
      .filter(
        (pod) =>
          pod.metadata.deletionTimestamp === undefined &&
          !hasEnded(pod) &&
          !this.#released.has(pod.metadata.uid ?? ''),
      )
  }
}

function nothing(): void {}
