import { isDeepStrictEqual } from 'node:util'
import type { DesiredService } from '../core/desired.ts'
import type { RevisionName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import type { Revision } from '../core/revision.ts'
import {
  observationOf,
  reconcileService,
  type ReconciledService,
  type ReconcileOptions,
  type RevisionRecord,
  type ServiceHistory,
} from '../kserve/index.ts'
import { sameReplicas } from './replica-changes.ts'

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
  #history: ServiceHistory | undefined
  #revisions: readonly Revision[] | undefined
  result: ReconciledService | undefined
  #desired: DesiredService | undefined
  #replicas: readonly Replica[] = []
  #verdicts = ''

  constructor(history: ServiceHistory | undefined) {
    this.#history = history
  }

  get desired(): DesiredService | undefined {
    return this.#desired
  }

  get history(): ServiceHistory | undefined {
    return this.#history
  }

  /** From its history: known before the first reconcile, too. */
  get revisions(): readonly Revision[] {
    this.#revisions ??= this.#records.map(({ revision }) => revision)
    return this.#revisions
  }

  get everReady(): ReadonlySet<RevisionName> {
    return new Set(this.#records.flatMap(({ everReady, revision }) => (everReady ? [revision.name] : [])))
  }

  get #records(): readonly RevisionRecord[] {
    return Object.values(this.#history?.components ?? {}).flatMap(({ revisions }) => revisions)
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
    const result = reconcileService({
      desired,
      history: this.#history,
      observe: (revision) =>
        observationOf(byRevision.get(revision) ?? [], {
          readyWithoutReplicas: verdicts.readyWithoutReplicas(revision),
          gaveUp: verdicts.gaveUp(revision),
        }),
      nowMs: context.nowMs,
      options: context.options,
    })
    this.result = keepingTables(this.result, result)
    this.#history = this.result.history
    this.#revisions = undefined
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

/** Routes and revisions that say the same as before stay the same objects: nobody has to be told of them then. */
function keepingTables(before: ReconciledService | undefined, after: ReconciledService): ReconciledService {
  if (before === undefined) return after
  return {
    ...after,
    routes: isDeepStrictEqual(before.routes, after.routes) ? before.routes : after.routes,
    revisions: sameItems(before.revisions, after.revisions) ? before.revisions : after.revisions,
  }
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
