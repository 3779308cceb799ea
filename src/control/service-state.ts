import type { DesiredService } from '../core/desired.ts'
import type { RevisionName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import {
  observationOf,
  reconcileService,
  type ReconciledService,
  type ReconcileOptions,
  type ServiceHistory,
} from '../kserve/index.ts'

/** What the scalers know that a reconcile looks at. */
export interface RevisionVerdicts {
  readyWithoutReplicas(revision: RevisionName): boolean
  gaveUp(revision: RevisionName): boolean
}

/**
 * One service between two reconciles: its history, and the last result together with what it was made from, so that
 * a change elsewhere costs this service nothing.
 */
export class ServiceState {
  history: ServiceHistory | undefined
  result: ReconciledService | undefined
  #desired: DesiredService | undefined
  #replicas: readonly Replica[] = []
  #verdicts = ''

  constructor(history: ServiceHistory | undefined) {
    this.history = history
  }

  get desired(): DesiredService | undefined {
    return this.#desired
  }

  /** True if something about the service is different afterwards. */
  reconcile(
    desired: DesiredService,
    replicas: readonly Replica[],
    verdicts: RevisionVerdicts,
    context: { readonly nowMs: number; readonly options: ReconcileOptions },
  ): boolean {
    const said = this.#verdictsOf(verdicts)
    const isSame =
      this.result !== undefined &&
      this.#desired === desired &&
      this.#verdicts === said &&
      sameReplicas(this.#replicas, replicas)
    if (isSame) return false
    const byRevision = Map.groupBy(replicas, (replica) => replica.revision)
    this.result = reconcileService({
      desired,
      history: this.history,
      observe: (revision) =>
        observationOf(byRevision.get(revision) ?? [], {
          readyWithoutReplicas: verdicts.readyWithoutReplicas(revision),
          gaveUp: verdicts.gaveUp(revision),
        }),
      nowMs: context.nowMs,
      options: context.options,
    })
    this.history = this.result.history
    this.#desired = desired
    this.#replicas = replicas
    this.#verdicts = said
    return true
  }

  #verdictsOf(verdicts: RevisionVerdicts): string {
    return (this.result?.revisions ?? [])
      .map(
        ({ name }) =>
          `${name}${verdicts.gaveUp(name) ? '!' : ''}${verdicts.readyWithoutReplicas(name) ? '0' : ''}`,
      )
      .join()
  }
}

/** Clusters keep the object of a replica that did not change. */
function sameReplicas(a: readonly Replica[], b: readonly Replica[]): boolean {
  return a.length === b.length && a.every((replica, index) => replica === b[index])
}
